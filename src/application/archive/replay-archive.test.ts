import { describe, expect, test } from 'bun:test';
import { columnsOf, HOUR_MS, keyOf, logged, NOON } from '../../../test/support/pulse-samples.ts';
import { MemoryArchive } from '../../adapters/memory/archive.ts';
import type { Archive, ArchivedEvent } from '../../ports/archive.ts';
import type { PulseColumns } from '../../ports/pulse-ledger.ts';
import { LOG_ID } from '../../ports/store-under-test.ts';
import { type ReplayCounts, replayArchive } from './replay-archive.ts';

const hexAt = (hashes: Uint8Array, at: number): string =>
  Buffer.from(hashes.subarray(16 * at, 16 * at + 16)).toString('hex');

/** A ledger that has counted `counted`, and has forgotten their pulses. */
function forgetful(counted: readonly PulseColumns[]) {
  const known = new Map<string, string>();
  for (const columns of counted) {
    for (let at = 0; at < columns.count; at += 1) {
      const key = hexAt(columns.keys, at);
      if (!known.has(key)) known.set(key, hexAt(columns.digests, at));
    }
  }
  const held = new Map<string, { readonly amount: bigint; readonly offset: number }>();
  const partitions: number[] = [];
  return {
    held,
    partitions,
    async restore(partition: number, columns: PulseColumns): Promise<number> {
      partitions.push(partition);
      let restored = 0;
      for (let at = 0; at < columns.count; at += 1) {
        const key = hexAt(columns.keys, at);
        if (known.get(key) !== hexAt(columns.digests, at) || held.has(key)) continue;
        held.set(key, { amount: columns.amounts[at] ?? 0n, offset: columns.offset[at] ?? -1 });
        restored += 1;
      }
      return restored;
    },
  };
}

const range = (from: number, to: number) => ({ logId: LOG_ID, from, to });

describe('replaying a range of the archive', () => {
  test('brings each counted pulse of the range back once, and says what it met', async () => {
    const archive = new MemoryArchive();
    const first = columnsOf([
      logged({ id: 'a', amount: '2.5', offset: 3 }),
      logged({ id: 'b', offset: 3 }),
      logged({ id: 'a', amount: '2.5', offset: 4 }),
      logged({ id: 'b', amount: '9', offset: 5 }),
      logged({ id: 'out of range', occurredAt: NOON + HOUR_MS, offset: 5 }),
    ]);
    const second = columnsOf([logged({ id: 'c', offset: 0 })]);
    await archive.put(LOG_ID, 0, first);
    await archive.put(LOG_ID, 1, second);
    const ledger = forgetful([first, second]);
    const pages: ReplayCounts[] = [];
    const report = await replayArchive({ archive, ledger }, range(NOON, NOON + HOUR_MS), (soFar) =>
      pages.push(soFar),
    );
    expect(report).toEqual({
      read: 5,
      restored: 3,
      leftAlone: 2,
      unreadable: 0,
      partitions: new Map([
        [0, { read: 4, restored: 2, leftAlone: 2, unreadable: 0 }],
        [1, { read: 1, restored: 1, leftAlone: 0, unreadable: 0 }],
      ]),
    });
    expect(pages).toEqual([{ read: 5, restored: 3, leftAlone: 2, unreadable: 0 }]);
    expect(ledger.held.get(keyOf(logged({ id: 'a' })))).toEqual({
      amount: 2_500_000_000_000_000_000n,
      offset: 3,
    });
    expect([...ledger.held.keys()]).toEqual(['a', 'b', 'c'].map((id) => keyOf(logged({ id }))));
  });

  test('brings nothing back a second time', async () => {
    const archive = new MemoryArchive();
    const columns = columnsOf([logged({ id: 'a' }), logged({ id: 'b' })]);
    await archive.put(LOG_ID, 0, columns);
    const ledger = forgetful([columns]);
    const replay = () => replayArchive({ archive, ledger }, range(0, NOON + 1), () => {});
    expect(await replay()).toMatchObject({ read: 2, restored: 2, leftAlone: 0 });
    expect(await replay()).toMatchObject({ read: 2, restored: 0, leftAlone: 2 });
  });

  test('leaves out what is no pulse by today’s rules, and brings back what stands beside it', async () => {
    const columns = columnsOf([logged({ id: 'a' }), logged({ id: 'b' }), logged({ id: 'c' })]);
    const whole = new MemoryArchive();
    await whole.put(LOG_ID, 0, columns);
    const archive: Pick<Archive, 'read'> = {
      async *read(...args): AsyncGenerator<readonly ArchivedEvent[]> {
        for await (const page of whole.read(...args)) {
          yield page.map((pulse, at) =>
            at === 1 ? { ...pulse, bytes: Uint8Array.of(0xff) } : pulse,
          );
        }
      },
    };
    const ledger = forgetful([columns]);
    expect(await replayArchive({ archive, ledger }, range(0, NOON + 1), () => {})).toMatchObject({
      read: 3,
      restored: 2,
      leftAlone: 0,
      unreadable: 1,
    });
    expect([...ledger.held.keys()]).toEqual(['a', 'c'].map((id) => keyOf(logged({ id }))));
  });

  test('of an empty range is an empty report', async () => {
    const ledger = forgetful([]);
    const replay = replayArchive({ archive: new MemoryArchive(), ledger }, range(0, 1), () => {});
    expect(await replay).toEqual({
      ...{ read: 0, restored: 0, leftAlone: 0, unreadable: 0 },
      partitions: new Map(),
    });
  });
});
