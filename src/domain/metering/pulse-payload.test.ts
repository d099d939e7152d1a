import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { WRITER } from '../../../test/support/blocks.ts';
import {
  type ContractPulse,
  contractPulse,
  contractPulses,
  NOW,
  timeAt,
  writePulse,
} from '../../../test/support/pulse-messages.ts';
import { decodeBlock } from '../counting/block.ts';
import { callersTenant } from './callers-tenant.ts';
import { encodeIngestRequest } from './pulse-codec.ts';
import { PulsePacker } from './pulse-packer.ts';
import { PayloadReader, SHAPED_ID_AT } from './pulse-payload.ts';
import { PulseScan } from './pulse-scan.ts';
import { SHAPE_BYTES_MAX } from './pulse-shape.ts';
import { ACCEPTED } from './pulse-verdict.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const ascii = (text: string): string => Buffer.from(text).toString('hex');

/** The messages of a payload in order; null where it is none. */
function messagesOf(payload: Uint8Array): Uint8Array[] | null {
  const reader = new PayloadReader(payload);
  const messages: Uint8Array[] = [];
  while (reader.next()) {
    // Bytes on both sides show a message that is longer or shorter than it says.
    const target = new Uint8Array(reader.length + 16).fill(0xee);
    reader.write(target, new DataView(target.buffer), 8);
    expect(hex(target.subarray(0, 8)) + hex(target.subarray(-8))).toBe('ee'.repeat(16));
    messages.push(target.slice(8, -8));
  }
  return reader.isAtEnd ? messages : null;
}

const ACME = callersTenant('acme');

/** A door without a log: scans requests, and packs what it takes into one block. */
class Packed {
  readonly scan = new PulseScan(1);
  readonly packer = new PulsePacker();
  readonly taken: Uint8Array[] = [];
  shaped = 0;

  take(messages: readonly Uint8Array[]): void {
    const { scan, packer } = this;
    const tenant = ACME;
    const bytes = encodeIngestRequest(messages, true);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    expect(scan.scan(bytes, { tenant, canBackfill: true }, NOW)).toBe('scanned');
    for (const [index, message] of messages.entries()) {
      if (scan.verdict[index] !== ACCEPTED) continue;
      const [start, end] = [scan.start[index] ?? 0, scan.end[index] ?? 0];
      const shape = scan.shape[index] ?? null;
      const added = scan.lacksTenant[index] === 1 ? tenant : null;
      if (shape === null) packer.add(bytes, view, start, end, added);
      else {
        const [seconds, nanos] = [scan.seconds[index] ?? 0, scan.nanos[index] ?? 0];
        packer.addShaped(bytes, view, start, end, shape, seconds, nanos);
        this.shaped += 1;
      }
      const field = added === null ? [] : [0x1a, added.bytes.length, ...added.bytes];
      this.taken.push(Uint8Array.of(...message, ...field));
    }
  }

  seal(): Uint8Array {
    const count = this.packer.count;
    const block = decodeBlock(this.packer.seal(0, NOW, WRITER));
    if (block.kind !== 'pulses') throw new Error(`a block of ${block.kind}`);
    expect(block.count).toBe(count);
    return block.payload;
  }
}

const of = (fields: Partial<ContractPulse>): Uint8Array => writePulse(contractPulse(fields));

/** Pulses of a few shapes, as services send them, and others between them. */
const usualPulses = fc.record({
  id: fc.oneof(
    fc.uuid(),
    fc.uuid().map((id) => id.toUpperCase()),
    fc.stringMatching(/^[!-~]{1,127}$/),
  ),
  source: fc.constantFrom('gateway-1', 'g'),
  tenant: fc.constantFrom('acme', ''),
  productSku: fc.constantFrom('api.calls', 'egress'),
  usedAmount: fc.constantFrom('1', '12.50', '-0.000001'),
  useUnity: fc.constant('call'),
  occurredAt: fc.integer({ min: NOW - 100_000, max: NOW }).map(timeAt),
  attributes: fc.constantFrom<Record<string, string>>({}, { region: 'eu-1' }),
});

describe('what a door packs', () => {
  test('comes back byte by byte, in order, whatever was sent', () => {
    let shaped = 0;
    const pulses = fc.oneof(
      { weight: 9, arbitrary: usualPulses },
      { weight: 1, arbitrary: contractPulses },
    );
    fc.assert(
      fc.property(
        fc.array(fc.array(pulses, { minLength: 40, maxLength: 80 }), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.integer({ min: 1, max: 3 }),
        (requests, times) => {
          const packed = new Packed();
          for (let time = 0; time < times; time += 1) {
            for (const request of requests) packed.take(request.map(writePulse));
            expect(messagesOf(packed.seal())?.map(hex)).toEqual(packed.taken.splice(0).map(hex));
          }
          shaped += packed.shaped;
        },
      ),
      { numRuns: 40 },
    );
    expect(shaped).toBeGreaterThan(400);
  });

  test('has a third of the bytes where a service sends one pulse after the other', () => {
    const packed = new Packed();
    const messages = Array.from({ length: 500 }, (_, n) =>
      of({ id: crypto.randomUUID(), usedAmount: String(n), occurredAt: timeAt(NOW - n) }),
    );
    packed.take(messages);
    expect(packed.seal().length).toBeLessThan(35 * 500);
  });

  test('is never another shape that has the same place in the table', () => {
    const packed = new Packed();
    const region = (n: number): Record<string, string> => ({ region: `${n}`.padStart(4, '0') });
    const bare = of({ attributes: {} });
    packed.take([bare, bare, bare]);
    // Each of a shape of its own, five at every place.
    for (let from = 0; from < 5_000; from += 500) {
      packed.take(Array.from({ length: 500 }, (_, n) => of({ attributes: region(from + n) })));
    }
    expect(packed.shaped).toBe(1);
    expect(messagesOf(packed.seal())?.map(hex)).toEqual(packed.taken.map(hex));
  });

  test('stands in each block by itself', () => {
    const packed = new Packed();
    for (let block = 0; block < 3; block += 1) {
      packed.take(Array.from({ length: 5 }, (_, n) => of({ id: `${block}-${n}` })));
      expect(messagesOf(packed.seal())?.map(hex)).toEqual(packed.taken.splice(0).map(hex));
    }
    expect(packed.shaped).toBe(13);
  });

  test('tells shapes apart that one place of the table held, one after the other', () => {
    const packed = new Packed();
    // The hash of a shape's place does not take in the name of an attribute.
    const regions = [{ area1: 'eu-1' }, { area2: 'eu-1' }];
    for (let round = 0; round < 6; round += 1) {
      const attributes = regions[round % 2] ?? {};
      packed.take(Array.from({ length: 4 }, (_, n) => of({ id: `${round}-${n}`, attributes })));
    }
    expect(packed.shaped).toBeGreaterThan(10);
    expect(messagesOf(packed.seal())?.map(hex)).toEqual(packed.taken.map(hex));
  });
});

const MESSAGE = of({ id: 'p1', usedAmount: '1.5', occurredAt: timeAt(NOW) });
const whole = (message: Uint8Array): string =>
  Buffer.of(
    ...(message.length < 128
      ? [message.length]
      : [(message.length & 127) | 128, message.length >> 7]),
  ).toString('hex') + hex(message);
const FOUNDER = `0000${whole(MESSAGE)}`;
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const TIME = '809bdc6a00b5540f';

describe('the bytes of a payload', () => {
  test('are these, for ever', () => {
    const uuid = '0199f0c2-4c1e-7d3a-9b52-6b1f0e8a7c11';
    const payload = bytesOf(
      whole(MESSAGE) +
        FOUNDER +
        `0001${'00'}${uuid.replaceAll('-', '')}02${ascii('20')}${TIME}` +
        `0001${'05'}${ascii('pulse')}04${ascii('-0.5')}${'809bdc6a00000000'}`,
    );
    const occurredAt = { seconds: BigInt(0x6adc9b80), nanos: 0x0f54b500 };
    expect(messagesOf(payload)?.map(hex)).toEqual(
      [
        MESSAGE,
        MESSAGE,
        of({ id: uuid, usedAmount: '20', occurredAt }),
        of({ id: 'pulse', usedAmount: '-0.5', occurredAt: { ...occurredAt, nanos: 0 } }),
      ].map(hex),
    );
  });

  test('say where id, amount and time of a shaped message are, and which message founds a shape', () => {
    const uuid = '0199f0c2-4c1e-7d3a-9b52-6b1f0e8a7c11';
    const reader = new PayloadReader(
      bytesOf(
        FOUNDER +
          `000105${ascii('pulse')}04${ascii('-0.5')}${TIME}` +
          `000100${uuid.replaceAll('-', '')}02${ascii('20')}${TIME}` +
          whole(MESSAGE),
      ),
    );
    const told: unknown[] = [];
    while (reader.next()) {
      const target = new Uint8Array(reader.length);
      reader.write(target, new DataView(target.buffer), 0);
      const { shape, isFounder, isUuid, seconds, nanos } = reader;
      const text = (at: number, length: number): string =>
        Buffer.from(target.subarray(at, at + length)).toString();
      const id = text(SHAPED_ID_AT, reader.idLength);
      const amount = text(reader.amountStart, reader.amountLength);
      told.push(
        shape < 0 ? { isFounder } : { isFounder, shape, isUuid, id, amount, seconds, nanos },
      );
    }
    const time = { seconds: 0x6adc9b80, nanos: 0x0f54b500 };
    expect(told).toEqual([
      { isFounder: true },
      { isFounder: false, shape: 0, isUuid: false, id: 'pulse', amount: '-0.5', ...time },
      { isFounder: false, shape: 0, isUuid: true, id: uuid, amount: '20', ...time },
      { isFounder: false },
    ]);
  });

  test('are what a door writes: the first as it is, the second as founder, then what differs', () => {
    const packed = new Packed();
    const uuid = '0199f0c2-4c1e-7d3a-9b52-6b1f0e8a7c11';
    const occurredAt = { seconds: BigInt(0x6adc9b80 - 3600), nanos: 0x0f54b500 };
    const last = of({ id: uuid, usedAmount: '20', occurredAt });
    packed.take([MESSAGE, MESSAGE, MESSAGE, MESSAGE, last]);
    const time = Buffer.alloc(8);
    time.writeUInt32LE(NOW / 1000);
    expect(hex(packed.seal())).toBe(
      whole(MESSAGE) +
        whole(MESSAGE) +
        FOUNDER +
        `000102${ascii('p1')}03${ascii('1.5')}${hex(time)}` +
        `000100${uuid.replaceAll('-', '')}02${ascii('20')}708ddc6a00b5540f`,
    );
  });

  test.each<[string, string]>([
    ['a shape that no pulse has founded', `000102${ascii('p1')}01${ascii('1')}${TIME}`],
    ['a shape beyond those founded', `${FOUNDER}000202${ascii('p1')}01${ascii('1')}${TIME}`],
    ['a number that is cut', `${FOUNDER}0080`],
    ['nothing behind the mark', `${FOUNDER}00`],
    ['nothing behind the mark of a founder', `${FOUNDER}0000`],
    [
      'a founder that has a shape itself',
      `${FOUNDER}0000000102${ascii('p1')}01${ascii('1')}${TIME}`,
    ],
    ['a founder that is cut', FOUNDER.slice(0, -2)],
    ['a founder that is no pulse', '0000020a01'],
    ['a founder that no door would take', `0000${whole(of({ source: '' }))}`],
    ['a founder without an amount', `0000${whole(of({ usedAmount: '' }))}`],
    [
      'a founder whose time comes in two parts',
      `0000${whole(Uint8Array.of(...MESSAGE, 0x3a, 2, 0x08, 1))}`,
    ],
    ['a founder whose id comes twice', `0000${whole(Uint8Array.of(...MESSAGE, 0x0a, 1, 0x31))}`],
    ['a founder whose id comes second', `0000${whole(Uint8Array.of(0x0a, 1, 0x31, ...MESSAGE))}`],
    [
      'a founder whose amount has a length of two bytes',
      `0000${whole(bytesOf(hex(MESSAGE).replace('2a03312e35', '2a8300312e35')))}`,
    ],
    [
      'a founder that is too long',
      `0000${whole(Uint8Array.of(...MESSAGE, 0x7a, 0xe7, 4, ...new Uint8Array(615)))}`,
    ],
    ['nothing behind a shape', `${FOUNDER}0001`],
    ['an id that is too long', `${FOUNDER}000180${'61'.repeat(128)}01${ascii('1')}${TIME}`],
    ['an id that is cut', `${FOUNDER}000105${ascii('p1')}`],
    ['a UUID that is cut', `${FOUNDER}000100${'00'.repeat(15)}`],
    ['an amount that is too long', `${FOUNDER}000102${ascii('p1')}80${'31'.repeat(128)}${TIME}`],
    ['an amount that is cut', `${FOUNDER}000102${ascii('p1')}05${ascii('1')}`],
    ['a time that is cut', `${FOUNDER}000102${ascii('p1')}01${ascii('1')}${TIME.slice(2)}`],
  ])('are none with %s', (_, text) => {
    expect(messagesOf(bytesOf(text))).toBeNull();
  });

  test('never make a reader throw, or read beyond a bound, whatever they are', () => {
    const start = bytesOf(FOUNDER);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.nat(),
        fc.boolean(),
        (noise, at, founded) => {
          const payload = Uint8Array.of(...(founded ? start : []), 0, 1, ...noise);
          payload[at % payload.length] = at % 256;
          for (const message of messagesOf(payload) ?? []) {
            expect(message.length).toBeLessThan(SHAPE_BYTES_MAX + 3 * 128);
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
