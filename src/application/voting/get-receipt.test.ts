import { beforeEach, describe, expect, test } from 'bun:test';
import { START_TIME, VotingRoom } from '../../../test/support/voting-room.ts';
import {
  eventIdHex,
  formatUuidV7,
  idWords,
  mixScope,
  parseUuidV7,
  partitionOf,
  scopeSeed,
} from '../../domain/counting/event-id.ts';
import type { LedgerEvent } from '../../ports/ledger.ts';
import { GetReceipt } from './get-receipt.ts';

const SETTINGS = {
  logId: 'log-1',
  partitions: 12,
  dedupWindowMs: 600_000,
  clockBoundMs: 2_000,
  acceptanceBoundMs: 5_000,
};
const WINDOW = SETTINGS.dedupWindowMs;

let room: VotingRoom;
let receipts: GetReceipt;
let events: Map<string, LedgerEvent>;
/** The ledger's log time in every partition. */
let logTime: number;
/** Partitions whose time was marked. */
let marks: number[];
let markFault: Error | null;
/** Done by the ledger between its two answers. */
let meanwhile: () => void;

beforeEach(async () => {
  room = new VotingRoom();
  await room.place({ state: 'open' });
  events = new Map();
  logTime = START_TIME;
  marks = [];
  markFault = null;
  meanwhile = () => {};
  receipts = new GetReceipt({
    directory: room.directory,
    clock: room.clock,
    settings: SETTINGS,
    ledger: { find: async (id) => events.get(id) ?? null },
    ledgerLogTime: async () => {
      const time = logTime;
      meanwhile();
      return time;
    },
    appendTimeMark: async (partition) => {
      marks.push(partition);
      if (markFault !== null) throw markFault;
    },
  });
});

const uuidAt = (time: number, salt: number = 7) =>
  formatUuidV7({ time, x: salt, y: 123_456_789, z: 3 });

/** The id as the log knows it in that poll. */
function logged(uuid: string, poll: string = 'final') {
  const words = idWords();
  parseUuidV7(uuid, words);
  mixScope(words, scopeSeed(poll));
  return { id: eventIdHex(words), partition: partitionOf(words, SETTINGS.partitions) };
}

function hold(uuid: string, state: LedgerEvent['state'], poll: string = 'final'): void {
  const { id, partition } = logged(uuid, poll);
  const place = { item: 'ana', lane: 'valid', partition, offset: 3 } as const;
  events.set(id, { id, scope: poll, acceptedAt: START_TIME + 5, state, ...place });
}

const receipt = async (id: string, poll: string = 'final') => receipts.run({ poll, id });
const statusOf = async (id: string) => {
  const result = await receipt(id);
  return result.kind === 'ok' ? result.receipt.status : result.kind;
};

describe('a receipt', () => {
  test('tells what became of a vote and when it was accepted, and not its choice', async () => {
    const id = uuidAt(START_TIME);
    hold(id, 'counted');
    const result = await receipt(id.toUpperCase());
    expect(result).toEqual({
      kind: 'ok',
      receipt: { id, poll: 'final', status: 'counted', acceptedAt: START_TIME + 5 },
    });
    expect(JSON.stringify(result)).not.toContain('ana');
  });

  test.each(['counted', 'voided', 'late', 'expired'] as const)('says %s', async (state) => {
    const id = uuidAt(START_TIME);
    hold(id, state);
    expect(await statusOf(id)).toBe(state);
  });

  test('of one key in two polls is two receipts', async () => {
    await room.place({ id: 'semi', state: 'open' });
    const id = uuidAt(START_TIME);
    hold(id, 'counted', 'semi');
    expect(await statusOf(id)).toBe('pending');
  });

  test('of an id that nobody has met is pending, and nothing is appended for it', async () => {
    expect(await receipt(uuidAt(START_TIME))).toMatchObject({
      receipt: { status: 'pending', acceptedAt: null },
    });
    expect(marks).toEqual([]);
  });

  test('of an id that can not be one is unknown', async () => {
    expect(await statusOf('x')).toBe('receipt_unknown');
    expect(await statusOf('f47ac10b-58cc-4372-a567-0e02b2c3d479')).toBe('receipt_unknown');
    expect(await statusOf(uuidAt(START_TIME + 2_001))).toBe('receipt_unknown');
    expect(await statusOf(uuidAt(START_TIME + 2_000))).toBe('pending');
  });

  test('of no poll is not found', async () => {
    expect(await receipt(uuidAt(START_TIME), 'x')).toEqual({ kind: 'poll_not_found' });
  });
});

describe('an id past the window that nobody has met', () => {
  const id = uuidAt(START_TIME);

  test('is final once the ledger has followed the log past it', async () => {
    room.clock.advance(WINDOW + 1);
    logTime = START_TIME + WINDOW;
    expect(await statusOf(id)).toBe('pending');
    logTime = START_TIME + WINDOW + 1;
    expect(await statusOf(id)).toBe('not_counted_final');
  });

  test('is not called lost when the ledger takes it in between the two questions', async () => {
    room.clock.advance(WINDOW + 1);
    meanwhile = () => {
      logTime = START_TIME + WINDOW + 1;
      hold(id, 'counted');
    };
    expect(await statusOf(id)).toBe('counted');
  });

  test('has the partition’s time marked, so that an idle log can answer for good', async () => {
    room.clock.advance(WINDOW);
    expect(await statusOf(id)).toBe('pending');
    expect(marks).toEqual([]);
    room.clock.advance(1);
    expect(await statusOf(id)).toBe('pending');
    expect(marks).toEqual([logged(id).partition]);
  });

  test('has it marked once, however often and for however many ids it is asked', async () => {
    room.clock.advance(WINDOW + 10);
    await Promise.all([statusOf(id), statusOf(id)]);
    const { partition } = logged(id);
    const salts = Array.from({ length: 200 }, (_, salt) => uuidAt(START_TIME - salt, salt));
    for (const other of salts.filter((each) => logged(each).partition === partition)) {
      await statusOf(other);
    }
    expect(marks).toEqual([partition]);
  });

  test('has it marked anew for an id that the mark did not reach', async () => {
    room.clock.advance(WINDOW + 1);
    await statusOf(id);
    room.clock.advance(10);
    const { partition } = logged(id);
    const later = Array.from({ length: 200 }, (_, salt) => uuidAt(START_TIME + 10, salt)).find(
      (each) => logged(each).partition === partition,
    );
    expect(await statusOf(later ?? '')).toBe('pending');
    room.clock.advance(1);
    await statusOf(later ?? '');
    expect(marks).toEqual([partition, partition]);
  });

  test('is still pending when the mark fails, and the next question tries again', async () => {
    room.clock.advance(WINDOW + 1);
    markFault = new Error('the log is away');
    expect(await statusOf(id)).toBe('pending');
    markFault = null;
    expect(await statusOf(id)).toBe('pending');
    expect(marks).toHaveLength(2);
  });
});
