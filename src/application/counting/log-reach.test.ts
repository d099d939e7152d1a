/** Proves that a log is in reach for as long as some partition of it has answered lately, by either clock. */
import { expect, test } from 'bun:test';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { LOG_REACH_STALE_MS, LogReach } from './log-reach.ts';

function reachOf(partitions = 1) {
  const clock = new ManualClock(Date.UTC(2026, 10, 21));
  const asked: number[] = [];
  const state: { away: ReadonlySet<number>; tookMs: number } = { away: new Set(), tookMs: 0 };
  const reach = new LogReach({
    clock,
    log: {
      description: {
        ...{ logId: 'pulses', partitions, durability: 'replicated' },
        ...{ atomicAppend: true, appendsUnderWayMax: 1 },
      },
      bounds: async (partition) => {
        asked.push(partition);
        clock.advance(state.tookMs);
        if (state.away.has(partition)) throw new Error(`${partition} is away`);
        return { start: 0, end: 0 };
      },
    },
  });
  return { reach, clock, asked, state };
}

test('a log that was never asked is out of reach, and one that answers is in it', async () => {
  const { reach } = reachOf();
  expect(reach.trouble).toContain('pulses has not been reached yet');
  await reach.look();
  expect(reach.trouble).toBeNull();
});

test('an answer holds for a bounded time from when it was asked for', async () => {
  const { reach, clock, state } = reachOf();
  state.tookMs = 2_000;
  await reach.look();
  clock.advance(LOG_REACH_STALE_MS - 2_000);
  expect(reach.trouble).toBeNull();
  clock.advance(1);
  expect(reach.trouble).toContain('pulses has not answered lately');
  state.away = new Set([0]);
  await expect(reach.look()).rejects.toThrow('away');
  expect(reach.trouble).not.toBeNull();
  state.away = new Set();
  await reach.look();
  expect(reach.trouble).toBeNull();
});

test('time that passes while the machine is suspended counts', async () => {
  const { reach, clock } = reachOf();
  await reach.look();
  clock.jump(LOG_REACH_STALE_MS + 1);
  expect(reach.trouble).not.toBeNull();
});

test('partitions are asked in turn, so that one which is away does not stop the others', async () => {
  const { reach, clock, asked, state } = reachOf(3);
  state.away = new Set([1]);
  for (let turn = 0; turn < 9; turn += 1) {
    clock.advance(1_000);
    await reach.look().catch(() => {});
    expect(reach.trouble).toBeNull();
  }
  expect(asked).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
});
