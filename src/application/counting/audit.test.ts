import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  encodeTestBlock,
  event,
  eventsBlock,
  T0,
  type TestBlock,
  targetOf,
  WRITER,
} from '../../../test/support/blocks.ts';
import { CountingRoom, withMethods } from '../../../test/support/counting-room.ts';
import { RANDOM_LOG_WINDOW_MS, randomLogs } from '../../../test/support/random-log.ts';
import { CONTROL_BLOCK_PARTITION, encodeControlBlock } from '../../domain/counting/block.ts';
import { ApuraError } from '../../domain/errors.ts';
import { CONTROL_PARTITION, type EventLog } from '../../ports/event-log.ts';
import type { PartitionCounts } from '../../ports/store-step.ts';
import { type Audited, audit, isBalanced, type PartitionAudit } from './audit.ts';

const ALL = Number.MAX_SAFE_INTEGER;
const close: TestBlock = { kind: 'close', blockTime: T0, scope: 'final' };
const EVENING: readonly TestBlock[] = [
  eventsBlock([event(1), event(2, { item: 'bia' }), event(1)]),
  eventsBlock([event(3), event(9, { time: T0 - 700_000 })]),
  {
    kind: 'act',
    blockTime: T0,
    type: 'void',
    actId: 'a',
    scope: 'final',
    targets: [targetOf(event(3))],
  },
  close,
  eventsBlock([event(4)]),
];

/** Two partitions with the same evening in them, followed to the end by both stores. */
async function followedRoom(partitions = 2): Promise<CountingRoom> {
  const room = new CountingRoom(partitions);
  for (let partition = 0; partition < partitions; partition += 1) {
    const shifted = EVENING.map((block): TestBlock => {
      if (block.kind !== 'events') return block;
      return { ...block, events: block.events.map((each) => ({ ...each, z: each.z + partition })) };
    });
    await room.append(
      partition === 0 ? EVENING : shifted.filter(({ kind }) => kind !== 'act'),
      partition,
    );
    await room.tallyFollower({ partition }).advance(ALL);
    await room.ledgerFollower({ partition }).advance(ALL);
  }
  return room;
}

/** All the accounts that the stores of a room keep. */
function accounts(room: CountingRoom): readonly Audited[] {
  return [
    { name: 'tally', read: (partition) => room.tally.read(partition) },
    { name: 'ledger windows', read: (partition) => room.ledger.read(partition) },
    { name: 'ledger rows', read: (partition) => room.ledger.recount(partition) },
  ];
}

/** The audits of the event partitions. */
async function audited(
  room: CountingRoom,
  { stores = accounts(room), log = room.log }: { stores?: readonly Audited[]; log?: EventLog } = {},
): Promise<readonly PartitionAudit[]> {
  const { windowMs: dedupWindowMs } = room;
  const readControl = (): void => {};
  const audits = await audit({ log, stores, dedupWindowMs, readControl, onProgress: () => {} });
  return audits.slice(0, -1);
}

/** The audit of the control partition, whose records are what `readControl` takes. */
async function auditedControl(
  room: CountingRoom,
  readControl: (payload: Uint8Array) => void,
): Promise<PartitionAudit> {
  const { log, windowMs: dedupWindowMs } = room;
  const audits = await audit({ log, stores: [], dedupWindowMs, readControl, onProgress() {} });
  const control = audits.at(-1);
  if (control === undefined) throw new Error('The audit left the control partition out.');
  return control;
}

const failuresOf = (audits: readonly PartitionAudit[]) => audits.map(({ failure }) => failure);
const differencesOf = (audits: readonly PartitionAudit[]) =>
  audits.flatMap(({ differences }) => differences);

describe('an audit of stores that are what the log says', () => {
  test('finds nothing, and shows the books of the log', async () => {
    const audits = await audited(await followedRoom());
    expect(isBalanced(audits)).toBe(true);
    expect(audits).toMatchObject([
      {
        partition: 0,
        blocks: 5,
        books: [
          { scope: 'final', logged: 6, counted: 2, duplicate: 1, expired: 1, late: 1, voided: 1 },
        ],
        differences: [],
        failure: null,
      },
      { partition: 1, blocks: 4, books: [{ logged: 6, counted: 3, voided: 0 }] },
    ]);
    expect(audits[0]?.positions).toEqual(
      ['tally', 'ledger windows', 'ledger rows'].map((store) => ({ store, nextOffset: 5 })),
    );
  });

  test('holds each store to the log at the store’s own offset, not at the log’s end', async () => {
    const room = new CountingRoom();
    await room.append(EVENING);
    const [tally, ledger] = [room.tallyFollower(), room.ledgerFollower()];
    for (const [tallyAt, ledgerAt] of [
      [0, 2],
      [1, 2],
      [3, 2],
      [3, 5],
    ] as const) {
      await tally.advance(ALL, tallyAt);
      await ledger.advance(ALL, ledgerAt);
      const audits = await audited(room);
      expect(isBalanced(audits)).toBe(true);
      expect(audits[0]?.positions.map(({ nextOffset }) => nextOffset)).toEqual([
        tallyAt,
        ledgerAt,
        ledgerAt,
      ]);
      expect(audits[0]?.blocks).toBe(5);
    }
  });

  test('finds nothing in any log, wherever the stores stand in it', async () => {
    const property = fc.asyncProperty(
      randomLogs(20),
      fc.nat(20),
      fc.nat(20),
      async (log, tallyAt, ledgerAt) => {
        const room = new CountingRoom(1, RANDOM_LOG_WINDOW_MS);
        await room.append(log);
        await room.tallyFollower().advance(ALL, tallyAt);
        await room.ledgerFollower().advance(ALL, ledgerAt);
        const audits = await audited(room);
        expect(failuresOf(audits)).toEqual([null]);
        expect(differencesOf(audits)).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  test('tells how far it has got, block by block where the log gives no more', async () => {
    const room = await followedRoom(1);
    const log = withMethods(room.log, {
      read: (partition, from) => room.log.read(partition, from, 1),
    });
    const seen: number[][] = [];
    await audit({
      log,
      stores: accounts(room),
      dedupWindowMs: room.windowMs,
      readControl: () => {},
      onProgress: (partition, offset, end) => seen.push([partition, offset, end]),
    });
    expect(seen).toEqual([0, 1, 2, 3, 4, 5].map((offset) => [0, offset, 5]));
  });
});

describe('an audit bites', () => {
  test('at one edited count of the tally, naming store, partition, poll and option', async () => {
    const room = await followedRoom();
    const edited: Audited = {
      name: 'tally',
      read: async (partition) => {
        const counts = await room.tally.read(partition);
        if (partition === 0) return counts;
        const [first, ...others] = counts.counts;
        if (first === undefined) throw new Error('no counts');
        return { ...counts, counts: [{ ...first, count: first.count + 1 }, ...others] };
      },
    };
    const audits = await audited(room, { stores: [edited, ...accounts(room).slice(1)] });
    expect(isBalanced(audits)).toBe(false);
    expect(differencesOf(audits)).toEqual([
      {
        store: 'tally',
        partition: 1,
        scope: 'final',
        what: 'option ana, minute 2026-11-21T20:00Z, lane valid',
        expected: 2,
        found: 3,
      },
    ]);
  });

  test('at one missing row of the ledger', async () => {
    const room = await followedRoom(1);
    const [id] = room.ledgerStore.votes.keys();
    room.ledgerStore.votes.delete(id ?? '');
    const audits = await audited(room);
    expect(isBalanced(audits)).toBe(false);
    expect(new Set(differencesOf(audits).map(({ store }) => store))).toEqual(
      new Set(['ledger rows']),
    );
    expect(differencesOf(audits)).toContainEqual({
      store: 'ledger rows',
      partition: 0,
      scope: 'final',
      what: 'counted',
      expected: 2,
      found: 1,
    });
  });

  test('at one flipped bit of the log, naming the block', async () => {
    for (const offset of [0, 2, 4]) {
      const room = await followedRoom(1);
      const block = room.logStore.partition(0).blocks[offset];
      if (block === undefined) throw new Error('no block');
      block[17] = (block[17] ?? 0) ^ 1;
      const audits = await audited(room);
      expect(isBalanced(audits)).toBe(false);
      expect(audits[0]?.blocks).toBe(offset);
      expect(failuresOf(audits)).toMatchObject([
        {
          code: 'log_corrupt',
          message: expect.stringContaining(`Block ${offset} of partition 0: The block's CRC32C`),
        },
      ]);
    }
  });

  test('at a store that is ahead of a log that was rewound', async () => {
    const room = await followedRoom(1);
    room.logStore.rewind(0, 3);
    const audits = await audited(room);
    expect(isBalanced(audits)).toBe(false);
    expect(failuresOf(audits)).toEqual([
      { code: 'log_rewound', message: 'Partition 0 ends at 3, but a store stands at 5.' },
    ]);
  });

  test('at a log that was replaced by one that counts the same', async () => {
    const room = await followedRoom(1);
    room.logStore.rewind(0, 4);
    await room.log.append([{ partition: 0, bytes: encodeTestBlock(eventsBlock([event(5)])) }]);
    const audits = await audited(room);
    expect(differencesOf(audits).map(({ store, what }) => [store, what])).toEqual(
      ['tally', 'ledger windows', 'ledger rows'].map((store) => [
        store,
        'checksum of the last block',
      ]),
    );
    expect(isBalanced(audits)).toBe(false);
  });

  test('at a log that was trimmed, which can no longer prove anything', async () => {
    const room = await followedRoom(1);
    room.logStore.trim(0, 2);
    expect(failuresOf(await audited(room))).toMatchObject([{ code: 'log_trimmed' }]);
  });

  test.each([
    ['of another partition', encodeTestBlock(close, 1), 'partition 1'],
    [
      'of an unknown control record',
      encodeControlBlock(0, T0, WRITER, new TextEncoder().encode('{"type":"merge"}')),
      'not known here',
    ],
  ])('at a block %s', async (_, bytes, why) => {
    const room = await followedRoom(1);
    await room.log.append([{ partition: 0, bytes }]);
    expect(failuresOf(await audited(room))).toMatchObject([
      { code: 'log_corrupt', message: expect.stringContaining(why) },
    ]);
  });

  test('at a log that gives its blocks out of order', async () => {
    const room = await followedRoom(1);
    const log = withMethods(room.log, {
      read: async (partition, from, maxBytes) =>
        [...(await room.log.read(partition, from, maxBytes))].reverse(),
    });
    expect(failuresOf(await audited(room, { log }))).toMatchObject([{ code: 'log_corrupt' }]);
  });
});

test('a partition that fails keeps no other from being audited', async () => {
  const room = await followedRoom(2);
  room.logStore.rewind(0, 1);
  const audits = await audited(room);
  expect(failuresOf(audits)).toMatchObject([{ code: 'log_rewound' }, null]);
  expect(audits[1]?.blocks).toBe(4);
});

test('a store that can not be read is no finding: the audit itself fails', async () => {
  const room = await followedRoom(1);
  const broken: Audited = {
    name: 'tally',
    read: async (): Promise<PartitionCounts> => {
      throw new Error('disk gone');
    },
  };
  await expect(audited(room, { stores: [broken] })).rejects.toThrow('disk gone');
  const log = withMethods(room.log, {
    bounds: async () => {
      throw new Error('log gone');
    },
  });
  await expect(audited(room, { log })).rejects.toThrow('log gone');
});

describe('an audit of the control partition', () => {
  const writer = { writerId: 1n, sequence: 1 };
  const change = (payload: string) => ({
    partition: CONTROL_PARTITION,
    bytes: encodeControlBlock(
      CONTROL_BLOCK_PARTITION,
      1,
      writer,
      new TextEncoder().encode(payload),
    ),
  });

  test('reads every poll change', async () => {
    const room = new CountingRoom(1);
    await room.log.append([change('first'), change('second')]);
    const seen: string[] = [];
    const control = await auditedControl(room, (payload) => {
      seen.push(new TextDecoder().decode(payload));
    });
    expect(seen).toEqual(['first', 'second']);
    expect(control).toMatchObject({ partition: CONTROL_PARTITION, blocks: 2, failure: null });
  });

  test('bites at a damaged block and at a record that no door can read', async () => {
    const damaged = new CountingRoom(1);
    const flipped = change('first');
    flipped.bytes[50] = (flipped.bytes[50] ?? 0) ^ 1;
    await damaged.log.append([change('whole'), flipped]);
    const unreadable = new CountingRoom(1);
    await unreadable.log.append([change('whole'), change('bad')]);
    const refuseBad = (payload: Uint8Array): void => {
      if (new TextDecoder().decode(payload) === 'bad')
        throw new ApuraError('block_invalid', 'Bad.');
    };
    for (const room of [damaged, unreadable]) {
      const { blocks, failure } = await auditedControl(room, refuseBad);
      expect(blocks).toBe(1);
      expect(failure?.code).toBe('log_corrupt');
      expect(failure?.message).toStartWith('Block 1 of the control partition: ');
    }
  });

  test('does not hide a mistake of the reader', async () => {
    const room = new CountingRoom(1);
    await room.log.append([change('first')]);
    const broken = auditedControl(room, () => {
      throw new TypeError('broken');
    });
    await expect(broken).rejects.toThrow(TypeError);
  });
});
