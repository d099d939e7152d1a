/** An answer is read as the contract has it, and bytes that are none are never taken for one. */
import { expect, test } from 'bun:test';
import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { messageType } from '../../../../test/support/pulse-messages.ts';
import { readIngestAnswer } from './ingest-answer.ts';

const RESPONSE = messageType('IngestResponse');

interface Result {
  readonly status: number;
  readonly code?: string;
  readonly message?: string;
}

const answerOf = (results: readonly Result[]) =>
  toBinary(RESPONSE, create(RESPONSE, { results: [...results] }));

test('codes of rejected pulses are found at their places, whatever else is said', () => {
  const rejected = fc.record({
    status: fc.constant(2),
    code: fc.stringMatching(/^[a-z_]{1,30}$/),
    message: fc.string({ maxLength: 200 }),
  });
  const results = fc.array(fc.oneof(fc.constant({ status: 1 }), rejected), { maxLength: 40 });
  fc.assert(
    fc.property(results, (given: readonly Result[]) => {
      const read = readIngestAnswer(answerOf(given), given.length);
      const codes = given.flatMap(({ code }, at) => (code === undefined ? [] : [[at, code]]));
      expect([...(read ?? [])]).toEqual(codes as [number, string][]);
      expect(readIngestAnswer(answerOf(given), given.length + 1)).toBeNull();
    }),
  );
});

test('an answer that is cut anywhere is none, and neither is one with a status that nobody sends', () => {
  const whole = answerOf([{ status: 2, code: 'too_old', message: 'x'.repeat(200) }, { status: 1 }]);
  for (let length = 0; length < whole.length; length += 1) {
    expect(readIngestAnswer(whole.subarray(0, length), 2)).toBeNull();
  }
  expect(readIngestAnswer(answerOf([{ status: 0 }]), 1)).toBeNull();
  expect(readIngestAnswer(answerOf([{ status: 3 }]), 1)).toBeNull();
  const inside = (...result: readonly number[]) => Uint8Array.of(0x0a, result.length, ...result);
  for (const result of [[0x80], [0x08], [0x12], [0x12, 5, 1], [0x1a, 5], [0x80, 0x80]]) {
    expect(readIngestAnswer(inside(...result), 1)).toBeNull();
  }
  for (const bytes of [[0x80], [0x0a], [0x0a, 0x80], [0x0a, 9, 1], [0x12, 9]]) {
    expect(readIngestAnswer(Uint8Array.from(bytes), 1)).toBeNull();
  }
});

test('fields that are not known yet are passed over, and a rejection without a code has one', () => {
  const later = Uint8Array.of(0x18, 7, 0x0a, 4, 0x08, 2, 0x20, 1, 0x22, 1, 65);
  expect([...(readIngestAnswer(later, 1) ?? [])]).toEqual([[0, 'no_code']]);
});
