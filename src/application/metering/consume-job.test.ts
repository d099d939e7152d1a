import { describe, expect, test } from 'bun:test';
import { ApuraError } from '../../domain/errors.ts';
import type { CommitOutcome } from '../../ports/store-step.ts';
import { ConsumeJob, type ConsumeJobDeps } from './consume-job.ts';

interface Commit {
  readonly outcome: CommitOutcome;
}
const COMMIT: Commit = { outcome: 'applied' };

/** A job whose partitions drain at once: what it does is written down. */
function room(change: Partial<ConsumeJobDeps<Commit>> = {}) {
  const owned = new Set([0, 1]);
  const done: string[] = [];
  const troubles: unknown[] = [];
  const halted: [number, string][] = [];
  let made = 0;
  const deps: ConsumeJobDeps<Commit> = {
    log: { bounds: async (partition) => ({ start: 0, end: 10 + partition }) },
    ownership: { owned, subscribe: () => ({ [Symbol.dispose]() {} }) },
    consumer: (partition) => {
      made += 1;
      let position: number | null = null;
      return {
        get position() {
          return position;
        },
        async drain(end, _signal, onCommitted) {
          done.push(`drain ${partition} to ${end}`);
          position = end;
          onCommitted(COMMIT);
        },
      };
    },
    afterDrain: async (partition) => {
      done.push(`after ${partition}`);
    },
    everyMs: 1_000,
    sleep: async () => {},
    onCommitted: (partition, { outcome }) => done.push(`${outcome} ${partition}`),
    onTrouble: (error) => troubles.push(error),
    onHalted: (partition, error) => halted.push([partition, error.code]),
    ...change,
  };
  const job = new ConsumeJob(deps);
  return { job, owned, done, troubles, halted, made: () => made };
}

const never = (): AbortSignal => new AbortController().signal;

describe('consuming a log', () => {
  test('brings each owned partition to the end that the log had, then does what comes afterwards', async () => {
    const { job, done } = room();
    expect(job.behind).toEqual([
      { partition: 0, end: 0, next: null },
      { partition: 1, end: 0, next: null },
    ]);
    const run = await job.runOnce(never());
    expect(run).toEqual({ drained: 2, failed: 0 });
    const of = (partition: number) => done.filter((entry) => entry.includes(` ${partition}`));
    expect(of(0).filter((entry) => !entry.startsWith('drain 1'))).toEqual([
      'drain 0 to 10',
      'applied 0',
      'after 0',
    ]);
    expect(done).toContain('drain 1 to 11');
    expect(job.behind).toEqual([
      { partition: 0, end: 10, next: 10 },
      { partition: 1, end: 11, next: 11 },
    ]);
  });

  test('keeps what it knows of a partition from run to run, and forgets one that it lost', async () => {
    const { job, owned, made } = room();
    await job.runOnce(never());
    await job.runOnce(never());
    expect(made()).toBe(2);
    owned.delete(1);
    await job.runOnce(never());
    owned.add(1);
    await job.runOnce(never());
    expect(made()).toBe(3);
  });

  test('goes on with the others where one partition fails, and takes that one over anew', async () => {
    let fails = true;
    const { job, troubles, made } = room({
      afterDrain: async (partition) => {
        if (partition === 0 && fails) throw new ApuraError('rating_unavailable', 'away');
      },
    });
    expect(await job.runOnce(never())).toEqual({ drained: 1, failed: 1 });
    expect(troubles).toHaveLength(1);
    fails = false;
    expect(await job.runOnce(never())).toEqual({ drained: 2, failed: 0 });
    expect(made()).toBe(3);
  });

  test('gives a partition up for good whose log is not the one that the ledger knows', async () => {
    const { job, halted, done } = room({
      log: {
        bounds: async (partition) => {
          if (partition === 1) throw new ApuraError('log_rewound', 'shorter than before');
          return { start: 0, end: 1 };
        },
      },
    });
    await job.runOnce(never());
    await job.runOnce(never());
    expect(halted).toEqual([[1, 'log_rewound']]);
    expect([...job.halted.keys()]).toEqual([1]);
    expect(done.filter((entry) => entry === 'drain 0 to 1')).toHaveLength(2);
  });

  test('says nothing of a failure in a partition that was lost meanwhile', async () => {
    const { job, owned, troubles } = room({
      afterDrain: async (partition) => {
        if (partition !== 0) return;
        owned.delete(0);
        throw new ApuraError('fenced', 'another owner');
      },
    });
    expect(await job.runOnce(never())).toMatchObject({ failed: 1 });
    expect(troubles).toEqual([]);
  });

  test('gives a caller the run that is under way', async () => {
    const { job, done } = room();
    const [first, second] = await Promise.all([job.runOnce(never()), job.runOnce(never())]);
    expect(second).toBe(first);
    expect(done).toHaveLength(6);
  });

  test('runs at its period, at once when it is asked to, and not after its end', async () => {
    const stop = new AbortController();
    const slept: number[] = [];
    const { job, done } = room({
      everyMs: 60_000,
      sleep: (ms, signal) => {
        slept.push(ms);
        if (slept.length === 3) stop.abort();
        else queueMicrotask(() => job.trigger());
        return new Promise((resolve) => {
          if (signal.aborted) resolve();
          else signal.addEventListener('abort', () => resolve());
        });
      },
    });
    await job.run(stop.signal);
    expect(slept).toEqual([60_000, 60_000, 60_000]);
    expect(done).toHaveLength(18);
    await job.run(stop.signal);
    expect(await job.runOnce(stop.signal)).toEqual({ drained: 0, failed: 0 });
    expect(done).toHaveLength(18);
  });

  test('asked for before it runs does nothing yet', async () => {
    const { job, done } = room();
    job.trigger();
    expect(done).toEqual([]);
  });
});
