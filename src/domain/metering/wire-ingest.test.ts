import { describe, expect, test } from 'bun:test';
import { create, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { contractPulse, messageType, writeRequest } from '../../../test/support/pulse-messages.ts';
import { PULSE_REJECTIONS, PULSES_PER_REQUEST_MAX, type PulseRejection } from './pulse.ts';
import {
  encodeIngestResponse,
  encodeIngestStreamResponse,
  type PulseResults,
  readIngestStreamRequest,
} from './wire-ingest.ts';

interface Result {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

const codes = Object.keys(PULSE_REJECTIONS) as PulseRejection[];
const answers: fc.Arbitrary<PulseResults> = fc
  .array(fc.option(fc.constantFrom(...codes)), { minLength: 1, maxLength: 30 })
  .map((results) => ({
    count: results.length,
    rejections: results.flatMap((code, index) => (code === null ? [] : [{ index, code }])),
  }));
const sequences = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

function read<Fields>(name: string, bytes: Uint8Array): Fields {
  return fromBinary(messageType(name), bytes) as Message & Fields;
}

function expectedOf({ count, rejections }: PulseResults): Result[] {
  const codeAt = new Map(rejections.map(({ index, code }) => [index, code]));
  return Array.from({ length: count }, (_, index) => {
    const code = codeAt.get(index);
    if (code === undefined) return { status: 1, code: '', message: '' };
    return { status: 2, code, message: PULSE_REJECTIONS[code] };
  });
}

const plain = (results: readonly Result[]): Result[] =>
  results.map(({ status, code, message }) => ({ status, code, message }));

describe('an answer', () => {
  test('has a result for each pulse in its order, as the contract’s own reader reads it', () => {
    fc.assert(
      fc.property(answers, sequences, (answer, sequence) => {
        const { results } = read<{ results: Result[] }>(
          'IngestResponse',
          encodeIngestResponse(answer),
        );
        expect(plain(results)).toEqual(expectedOf(answer));
        const streamed = read<{ results: Result[]; sequence: bigint }>(
          'IngestStreamResponse',
          encodeIngestStreamResponse(sequence, answer),
        );
        expect(streamed.sequence).toBe(sequence);
        expect(plain(streamed.results)).toEqual(expectedOf(answer));
      }),
    );
  });

  test('to the largest request is whole, and belongs to whoever asked for it', () => {
    const answer = { count: PULSES_PER_REQUEST_MAX, rejections: [] };
    const first = encodeIngestResponse(answer);
    first.fill(0xff);
    const { results } = read<{ results: Result[] }>('IngestResponse', encodeIngestResponse(answer));
    expect(plain(results)).toEqual(expectedOf(answer));
  });
});

describe('a batch of a stream', () => {
  const type = messageType('IngestStreamRequest');
  const batch = writeRequest([contractPulse()], true);
  const batchMessage = fromBinary(messageType('IngestRequest'), batch);

  test('is read with its sequence, and lies where it came', () => {
    fc.assert(
      fc.property(sequences, (sequence) => {
        const bytes = toBinary(type, create(type, { sequence, batch: batchMessage }));
        const request = readIngestStreamRequest(bytes);
        expect(request?.sequence).toBe(sequence);
        expect([...(request?.batch ?? [])]).toEqual([...batch]);
        expect(request?.batch.buffer).toBe(bytes.buffer as ArrayBuffer);
      }),
    );
  });

  test('may be absent, and stand among fields that are not known here', () => {
    expect(readIngestStreamRequest(new Uint8Array(0))).toMatchObject({ sequence: 0n });
    expect(readIngestStreamRequest(Uint8Array.of(0x08, 5))?.batch).toHaveLength(0);
    const known = readIngestStreamRequest(Uint8Array.of(0x7a, 1, 9, 0x08, 5, 0x12, 1, 7, 0x78, 1));
    expect([known?.sequence, ...(known?.batch ?? [])]).toEqual([5n, 7]);
  });

  test.each([
    ['a tag that does not end', [0x80]],
    ['a number that does not end', [0x08, 0x80]],
    ['a length that does not end', [0x12, 0x80]],
    ['a batch that is cut', [0x12, 5, 1]],
    ['a known field of another wire type', [0x0a, 0]],
    ['a group', [0x7b]],
    ['an unknown field that is cut', [0x7a, 2, 1]],
  ])('is none with %s', (_, bytes) => {
    expect(readIngestStreamRequest(Uint8Array.from(bytes))).toBeNull();
  });

  test('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        readIngestStreamRequest(bytes);
      }),
      { numRuns: 1_000 },
    );
  });
});
