import { beforeEach, describe, expect, test } from 'bun:test';
import { DoorRoom, idsOf, keyAt } from '../../../test/support/door-room.ts';
import { START_TIME } from '../../../test/support/voting-room.ts';
import {
  eventIdHex,
  formatUuidV7,
  idWords,
  parseUuidV7,
  scopeSeed,
  unmixScope,
} from '../../domain/counting/event-id.ts';
import { POLL_STATES } from '../../domain/voting/poll.ts';
import type { CastVote } from './vote-door.ts';

const W = 600_000;
const S = 2_000;

let room: DoorRoom;

beforeEach(() => {
  room = new DoorRoom();
});

/** A vote for Ana in the poll “final” unless told, under a key of now. */
function cast(option = 'ana', key: string | null = keyAt(room.clock.now()), poll = 'final') {
  return room.door.cast(room.known(poll), option, key);
}

async function durable(vote: CastVote): Promise<string> {
  if (vote.kind !== 'on_its_way') throw new Error(`refused: ${vote.kind}`);
  expect(await vote.outcome).toBe('durable');
  return vote.id;
}

describe('a poll', () => {
  test('that there is not, or that is being written, is unknown at the door', async () => {
    await room.place({ state: 'draft' });
    expect(room.door.poll('final')).toBeNull();
    expect(room.door.poll('other')).toBeNull();
    expect(room.door.poll('__proto__')).toBeNull();
  });

  test.each(POLL_STATES.filter((state) => state !== 'draft'))(
    'that is %s is known at the door',
    async (state) => {
      await room.place({ state, opensAt: START_TIME });
      expect(room.door.poll('final')?.poll.state).toBe(state);
    },
  );

  test('is what the control partition said last', async () => {
    const poll = await room.place({ state: 'open', opensAt: START_TIME });
    const before = room.known();
    expect(room.known()).toBe(before);
    room.directory.apply({
      type: 'poll',
      effectiveAt: START_TIME,
      poll: { ...poll, state: 'paused', version: 2 },
    });
    expect(room.known().poll.state).toBe('paused');
    expect(cast()).toMatchObject({ kind: 'poll_not_open' });
  });

  test('that changed keeps its keys: one block numbers an option once', async () => {
    const poll = await room.place({ state: 'open', opensAt: START_TIME });
    const first = cast('ana', keyAt(START_TIME, 1));
    const look = { ...poll.look, accentColor: '#112233' };
    room.directory.apply({
      type: 'poll',
      effectiveAt: START_TIME,
      poll: { ...poll, look, version: 2 },
    });
    await Promise.all([durable(first), durable(cast('ana', keyAt(START_TIME, 2)))]);
    const [block] = await room.logged();
    expect([block?.count, block?.keys.length]).toEqual([2, 1]);
  });
});

describe('the door is open', () => {
  test('from opensAt on, to the millisecond, whatever state is stored', async () => {
    await room.place({ state: 'scheduled', opensAt: START_TIME + 100 });
    room.clock.advance(99);
    expect(cast()).toEqual({
      kind: 'poll_not_open',
      door: { kind: 'not_open', opensAt: START_TIME + 100 },
    });
    room.clock.advance(1);
    await durable(cast());
  });

  test('until closesAt, to the millisecond, whatever state is stored', async () => {
    await room.place({ state: 'open', opensAt: START_TIME, closesAt: START_TIME + 100 });
    room.clock.advance(99);
    await durable(cast());
    room.clock.advance(1);
    expect(cast('ana', keyAt(START_TIME + 99, 7))).toEqual({ kind: 'poll_closed' });
  });

  test.each(['closing', 'closed', 'published', 'archived'] as const)(
    'never again once the poll is %s',
    async (state) => {
      await room.place({ state, opensAt: START_TIME - 1_000, closesAt: START_TIME });
      expect(cast()).toEqual({ kind: 'poll_closed' });
      // Whatever is wrong with the vote besides.
      expect(cast('nobody', 'no key')).toEqual({ kind: 'poll_closed' });
    },
  );

  test('not while the poll is paused', async () => {
    await room.place({ state: 'paused', opensAt: START_TIME });
    expect(cast()).toEqual({ kind: 'poll_not_open', door: { kind: 'paused' } });
  });

  test('not while its own reading of the polls is too old to go by', async () => {
    await room.place({ state: 'open', opensAt: START_TIME });
    room.isReady = false;
    expect(cast()).toEqual({ kind: 'not_ready' });
    room.isReady = true;
    await durable(cast());
  });
});

describe('a vote is refused', () => {
  beforeEach(async () => {
    await room.place({ state: 'open', opensAt: START_TIME });
  });

  test.each(['nobody', '', 'Ana', 'ana ', '__proto__', 'constructor'])(
    'for an option that the poll does not have: %p',
    (option) => {
      expect(cast(option)).toEqual({ kind: 'option_not_found' });
    },
  );

  test.each(['', 'no key', '017f22e2-79b0-4cc3-98c4-dc0c0c07398f'])(
    'under a key that is no UUIDv7: %p',
    (key) => {
      expect(cast('ana', key)).toEqual({ kind: 'invalid_idempotency_key' });
    },
  );

  test('under a key made more than W/2 ago, to the millisecond', async () => {
    expect(cast('ana', keyAt(START_TIME - W / 2 - 1))).toEqual({ kind: 'id_expired' });
    await durable(cast('ana', keyAt(START_TIME - W / 2)));
  });

  test('under a key made more than S ahead, to the millisecond', async () => {
    expect(cast('ana', keyAt(START_TIME + S + 1))).toEqual({ kind: 'id_in_future' });
    await durable(cast('ana', keyAt(START_TIME + S)));
  });

  test('where too many wait for the log, and nothing of it is logged', async () => {
    room = new DoorRoom({ pendingEventsMax: 1 });
    await room.place({ state: 'open', opensAt: START_TIME });
    const first = cast('ana', keyAt(START_TIME, 1));
    expect(cast('ana', keyAt(START_TIME, 2))).toEqual({ kind: 'overloaded' });
    await durable(first);
    expect((await room.logged()).map(({ count }) => count)).toEqual([1]);
  });

  test('and leaves nothing in the log', async () => {
    cast('nobody');
    cast('ana', 'no key');
    cast('ana', keyAt(START_TIME - W));
    cast('ana', keyAt(START_TIME + W));
    await room.writer.drain();
    expect(await room.logged()).toEqual([]);
  });
});

describe('a vote that is taken', () => {
  beforeEach(async () => {
    await room.place({ state: 'open', opensAt: START_TIME });
    await room.place({ id: 'semi', state: 'open', opensAt: START_TIME });
  });

  test('stands in the log with its poll, option, time and acceptance', async () => {
    const key = keyAt(START_TIME - 250);
    expect(cast('bruno', key)).toMatchObject({ id: key, acceptedAt: START_TIME });
    await room.writer.drain();
    const [block] = await room.logged();
    if (block === undefined) throw new Error('no block');
    expect(block).toMatchObject({
      count: 1,
      blockTime: START_TIME,
      keys: [{ scope: 'final', item: 'bruno', lane: 'valid' }],
      baseIdTime: START_TIME - 250,
    });
    expect([...block.acceptanceDelta]).toEqual([0]);
    const [id = idWords()] = idsOf(block);
    unmixScope(id, scopeSeed('final'));
    expect(formatUuidV7(id)).toBe(key);
  });

  test('under one key in two polls is two events; twice in one poll it is one', async () => {
    const key = keyAt(START_TIME);
    for (const poll of ['final', 'semi', 'final']) await durable(cast('ana', key, poll));
    const ids = (await room.logged()).flatMap(idsOf).map(eventIdHex);
    expect(ids).toHaveLength(3);
    expect(ids[0]).toBe(ids[2] ?? '');
    expect(ids[0]).not.toBe(ids[1] ?? '');
  });

  test('without a key is given a UUIDv7 of this instant, made of all the random bits', async () => {
    const minted: string[] = [];
    for (const random of [
      [0, 0, 0],
      [0xffff_ffff, 0xffff_ffff, 0xffff_ffff],
      [-1, 1, 0x2aa],
    ] as const) {
      room.random = random;
      minted.push(await durable(cast('ana', null)));
      const words = idWords();
      expect(parseUuidV7(minted.at(-1) ?? '', words)).toBe(true);
      expect(words).toEqual({
        time: START_TIME,
        x: random[0] >>> 0,
        y: random[1] >>> 0,
        z: random[2] & 0x3ff,
      });
    }
    expect(new Set(minted).size).toBe(3);
  });
});
