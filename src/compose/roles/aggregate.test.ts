/** One run of the aggregation, on the memory adapters: what it brings over, and what it says of it. */
import { describe, expect, test } from 'bun:test';
import { framedBlock } from '../../../test/support/archive-room.ts';
import { encodedPulse } from '../../../test/support/pulse-bytes.ts';
import { logged, NOON } from '../../../test/support/pulse-samples.ts';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { MemoryEventLog, MemoryLogStore } from '../../adapters/memory/event-log.ts';
import {
  MemoryMeteringCatalogue,
  MemoryMeteringStore,
} from '../../adapters/memory/metering-catalogue.ts';
import { MemoryOwnershipGroups } from '../../adapters/memory/partition-ownership.ts';
import { MemoryPulseLedger, MemoryPulseStore } from '../../adapters/memory/pulse-ledger.ts';
import { configOf } from '../../config/config.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { createLogger } from '../../telemetry/logger.ts';
import type { Engines, LogPlace } from '../engines.ts';
import { meteringPlaces } from '../metering/logs-apart.ts';
import { aggregateOnce } from './aggregate.ts';
import type { RoleContext } from './process.ts';

const PARTITIONS = 3;
const notNeeded = (): never => {
  throw new Error('The aggregation needs no such thing.');
};

/** An installation's servers in memory: what outlives the run. */
async function room(change: { readonly log?: (log: EventLog) => EventLog } = {}) {
  const clock = new ManualClock(NOON);
  const catalogue = new MemoryMeteringCatalogue(new MemoryMeteringStore());
  const logs = new Map<string, MemoryLogStore>();
  const groups = new MemoryOwnershipGroups();
  const logOf = ({ settings: { logId, partitions } }: LogPlace): MemoryEventLog => {
    const store = logs.get(logId) ?? new MemoryLogStore(logId, partitions);
    logs.set(logId, store);
    return new MemoryEventLog(store);
  };
  const { pulses, usage } = await meteringPlaces(catalogue, PARTITIONS);
  const { logId } = pulses.settings;
  const store = new MemoryPulseStore(logId);
  const engines: Engines = {
    catalogue: notNeeded,
    tally: notNeeded,
    tallyChanges: notNeeded,
    ledger: notNeeded,
    reports: notNeeded,
    ratingBook: notNeeded,
    archive: notNeeded,
    meteringCatalogue: async () => catalogue,
    log: async (place) =>
      place.settings.logId === logId ? (change.log ?? ((log) => log))(logOf(place)) : logOf(place),
    pulseLedger: async () => new MemoryPulseLedger(store),
    ownership: (place, role) => groups.join({ ...place.settings, role }),
  };
  const context: RoleContext = {
    config: configOf({ APURA_PARTITIONS: String(PARTITIONS) }),
    engines,
    clock,
    logger: createLogger('silent', 'aggregate'),
    signal: new AbortController().signal,
  };
  const send = (partition: number, ...ids: readonly string[]): Promise<unknown> => {
    const messages = ids.map((text) => {
      const [id = '', amount = '1'] = text.split('=');
      return encodedPulse(logged({ id, amount }).pulse);
    });
    return logOf(pulses).append([{ partition, bytes: framedBlock(partition, messages) }]);
  };
  const usageBlocks = async (): Promise<number> => {
    const ends = Array.from({ length: PARTITIONS }, async (_, partition) =>
      logOf(usage).bounds(partition),
    );
    return (await Promise.all(ends)).reduce((sum, { end }) => sum + end, 0);
  };
  return { context, clock, send, groups, usageBlocks, logId };
}

describe('one run of the aggregation', () => {
  test('brings every partition up to the log, sends its usage, and counts what it did', async () => {
    const { context, send, usageBlocks, logId } = await room();
    await send(0, 'a', 'b=2');
    await send(0, 'a', 'b=3');
    await send(2, 'c');
    expect(await aggregateOnce(context)).toEqual({
      logId,
      partitions: PARTITIONS,
      owned: PARTITIONS,
      counted: 3,
      duplicates: 1,
      conflicts: 1,
      usageRecords: 2,
      behindBefore: 3,
      behindAfter: 0,
      failed: 0,
      failures: [],
      stopped: false,
    });
    expect(await usageBlocks()).toBeGreaterThan(0);
  });

  test('has nothing to do a second time, and leaves its group each time', async () => {
    const { context, send } = await room();
    await send(1, 'a');
    await aggregateOnce(context);
    const again = await aggregateOnce(context);
    expect(again).toMatchObject({
      owned: PARTITIONS,
      counted: 0,
      duplicates: 0,
      usageRecords: 0,
      behindBefore: 0,
      failed: 0,
    });
  });

  test('takes the partitions alone that the group gives it', async () => {
    const { context, send, groups, logId } = await room();
    await using other = await groups.join({ logId, role: 'aggregate', partitions: PARTITIONS });
    for (const partition of [0, 1, 2]) await send(partition, `p${partition}`);
    const { owned, counted, behindBefore } = await aggregateOnce(context);
    expect([owned, counted, behindBefore]).toEqual([1, 1, 1]);
    expect(other.owned.size).toBe(PARTITIONS);
  });

  test('a partition that fails is told and left behind; the others are brought up', async () => {
    const { context, send } = await room({
      log: (log) => ({
        ...methodsOf(log),
        read: (partition, from, max) => {
          if (partition === 1) throw new ApuraError('log_trimmed', 'Trimmed.');
          return log.read(partition, from, max);
        },
      }),
    });
    for (const partition of [0, 1, 2]) await send(partition, `p${partition}`);
    expect(await aggregateOnce(context)).toMatchObject({
      counted: 2,
      behindBefore: 3,
      behindAfter: 1,
      failed: 1,
      failures: ['Partition 1: Trimmed.'],
    });
  });

  test('a log that does not say where it ends leaves that unknown, and fails every partition', async () => {
    const { context } = await room({
      log: (log) => ({
        ...methodsOf(log),
        bounds: async () => {
          throw new ApuraError('log_unavailable', 'Away.');
        },
      }),
    });
    expect(await aggregateOnce(context)).toMatchObject({
      behindBefore: null,
      behindAfter: null,
      failed: PARTITIONS,
      failures: Array.from({ length: PARTITIONS }, () => 'Away.'),
    });
  });

  test('waits for its seat, and works on what it is given then', async () => {
    const { context, send, groups } = await room();
    await send(0, 'a');
    let looks = 0;
    const ownership: Engines['ownership'] = async (place, role) => {
      const member = await groups.join({ ...place.settings, role });
      return {
        get owned() {
          return looks > 2 ? member.owned : new Set<number>();
        },
        get trouble() {
          looks += 1;
          return looks > 2 ? null : 'it settles';
        },
        subscribe: (listener) => member.subscribe(listener),
        [Symbol.asyncDispose]: () => member[Symbol.asyncDispose](),
      };
    };
    const engines = { ...context.engines, ownership };
    expect(await aggregateOnce({ ...context, engines })).toMatchObject({ counted: 1, owned: 3 });
  });

  test('gives up where its group does not settle', async () => {
    const { context, clock } = await room();
    const ownership: Engines['ownership'] = async () => ({
      owned: new Set<number>(),
      get trouble() {
        clock.advance(10_000);
        return 'nobody answers';
      },
      subscribe: () => ({ [Symbol.dispose]() {} }),
      async [Symbol.asyncDispose]() {},
    });
    const engines = { ...context.engines, ownership };
    await expect(aggregateOnce({ ...context, engines })).rejects.toThrow(
      new ApuraError('log_unavailable', 'The group has not settled in 30 s: nobody answers.'),
    );
  });

  test('told to stop, it says so', async () => {
    const { context, send } = await room();
    await send(0, 'a');
    const told = AbortSignal.abort();
    const { counted, behindAfter, stopped } = await aggregateOnce({ ...context, signal: told });
    expect([counted, behindAfter, stopped]).toEqual([0, 1, true]);
  });
});

/** The log's methods as an object of their own, of which a test may replace some. */
function methodsOf(log: EventLog): EventLog {
  return {
    description: log.description,
    append: (blocks) => log.append(blocks),
    read: (partition, from, max) => log.read(partition, from, max),
    bounds: (partition) => log.bounds(partition),
    changed: (positions, signal) => log.changed(positions, signal),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}
