/** The patched bytes are the request that would have been written by hand. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { VoteIds } from './vote-ids.ts';
import { VoteRequests } from './vote-requests.ts';

const ids = new VoteIds('demo', { x: 0xdeadbeef, z: 0x2a5 });
const options = ['ana', 'joão'];
const requests = new VoteRequests({ host: '127.0.0.1:8080', poll: 'demo', options }, ids);
const times = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const indexes = fc.integer({ min: 0, max: 2 ** 32 - 1 });

function written(option: number, index: number, time: number): string {
  const target = new Uint8Array(requests.bytesMax + 3);
  const end = requests.write(target, 3, option, index, time);
  return new TextDecoder().decode(target.subarray(3, end));
}

describe('a vote request', () => {
  test('is one whole HTTP request with the vote its own key', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1), indexes, times, (option, index, time) => {
        const body = `{"option":"${options[option]}"}`;
        expect(written(option, index, time)).toBe(
          'POST /v1/polls/demo/votes HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n' +
            'Content-Type: application/json\r\n' +
            `Content-Length: ${Buffer.byteLength(body)}\r\n` +
            `Idempotency-Key: ${ids.uuid(index, time)}\r\n\r\n${body}`,
        );
      }),
    );
  });

  test('recognises its own id in an answer and no other', () => {
    fc.assert(
      fc.property(indexes, indexes, times, times, (index, other, time, otherTime) => {
        const bytes = new TextEncoder().encode(`{"id":"${ids.uuid(index, time)}"}`);
        expect(requests.isIdOf(bytes, 7, index, time)).toBe(true);
        expect(requests.isIdOf(bytes, 7, other, time)).toBe(other === index);
        expect(requests.isIdOf(bytes, 7, index, otherTime)).toBe(otherTime === time);
        expect(requests.isIdOf(bytes.subarray(0, 40), 7, index, time)).toBe(false);
      }),
    );
  });
});
