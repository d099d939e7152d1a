/** An id that the server exports leads back to exactly the vote that carried it. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  eventIdHex,
  idWords,
  mixScope,
  parseUuidV7,
  scopeSeed,
} from '../../../domain/counting/event-id.ts';
import { VoteIds } from './vote-ids.ts';

const times = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const indexes = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const tags = fc.record({
  x: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  z: fc.integer({ min: 0, max: 1023 }),
});

/** What the server makes of a key in a poll. */
function eventIdOf(uuid: string, poll: string): string {
  const words = idWords();
  expect(parseUuidV7(uuid, words)).toBe(true);
  mixScope(words, scopeSeed(poll));
  return eventIdHex(words);
}

describe('the ids of a run', () => {
  test('are UUIDv7s whose event id leads back to the vote and its time', () => {
    fc.assert(
      fc.property(tags, indexes, times, (tag, index, time) => {
        const ids = new VoteIds('demo', tag);
        expect(ids.find(eventIdOf(ids.uuid(index, time), 'demo'))).toEqual({ index, time });
      }),
    );
  });

  test('are not taken for those of another run or of another poll', () => {
    fc.assert(
      fc.property(tags, tags, indexes, times, (tag, other, index, time) => {
        fc.pre(tag.x !== other.x || tag.z !== other.z);
        const exported = eventIdOf(new VoteIds('demo', tag).uuid(index, time), 'demo');
        expect(new VoteIds('demo', other).find(exported)).toBeNull();
        expect(new VoteIds('final', tag).find(exported)).toBeNull();
      }),
    );
  });

  test('are not found in what is no event id', () => {
    const ids = new VoteIds('demo', { x: 1, z: 1 });
    for (const text of ['', 'x'.repeat(32), ids.uuid(1, 1), '0'.repeat(31)]) {
      expect(ids.find(text)).toBeNull();
    }
  });
});
