/** The generator keeps its schedule whatever the answers do, and a fault of its own ends the run. */
import { describe, expect, test } from 'bun:test';
import { DeliveryJournal } from '../load/delivery-journal.ts';
import { LoadSchedule } from '../load/load-schedule.ts';
import { RunRecord } from '../load/run-record.ts';
import type { CallOutcome } from './pulse-calls.ts';
import { PulseGenerator, type PulseGeneratorSettings } from './pulse-generator.ts';

interface Call {
  readonly pulses: readonly number[];
  readonly at: number;
  readonly answer: (outcome: CallOutcome) => void;
}

const TAKEN: CallOutcome = { kind: 'answered', rejections: new Map() };

function generatorOf(given: Partial<PulseGeneratorSettings> = {}, total = 100) {
  const calls: Call[] = [];
  const journal = new DeliveryJournal(total);
  const record = new RunRecord();
  const monotonic = () => performance.now();
  const startAt = monotonic() + 5;
  let asked: readonly number[] = [];
  const generator = new PulseGenerator(
    {
      ...{ batch: 10, connections: 100, retryForMs: 5_000, timeoutMs: 1_000 },
      ...{ monotonic, random: () => 0 },
      ...given,
    },
    {
      journal,
      record,
      plan: { isSentTwice: (pulse) => pulse === 0 },
      requests: {
        encode: (pulses) => {
          asked = [...pulses];
          return new Uint8Array(0);
        },
      },
      calls: {
        ingest: () =>
          new Promise((answer) => calls.push({ pulses: asked, at: monotonic(), answer })),
      },
    },
    new LoadSchedule({ startAt, ratePerSecond: 1_000, durationMs: total }),
  );
  return { generator, calls, journal, record, startAt };
}

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
};

describe('the generator', () => {
  test('sends each batch when its last pulse is due, though nothing is answered', async () => {
    const { generator, calls, record, startAt } = generatorOf();
    const ended = generator.run(new AbortController().signal);
    await until(() => calls.length === 10);
    for (const [number, { pulses, at }] of calls.entries()) {
      expect(pulses).toEqual(Array.from({ length: 10 }, (_, place) => number * 10 + place));
      expect(at - startAt).toBeGreaterThanOrEqual(number * 10 + 9);
    }
    expect(record).toMatchObject({ sent: 100, waited: 0, accepted: 0 });
    for (const { answer } of calls) answer(TAKEN);
    await until(() => calls.length === 11);
    expect(calls[10]?.pulses).toEqual([0]);
    calls[10]?.answer(TAKEN);
    await ended;
    expect(generator.duplicates).toEqual({ sent: 1, accepted: 1, rejected: 0 });
    expect(record).toMatchObject({ accepted: 100, unknown: 0 });
    expect(generator.lastSentAt).toBeGreaterThan(startAt + 99);
  });

  test('never has more requests under way than it may, and counts those that waited from when they were due', async () => {
    const { generator, calls, record } = generatorOf({ connections: 1 });
    const ended = generator.run(new AbortController().signal);
    await until(() => record.backlogMax >= 80);
    expect(calls).toHaveLength(1);
    for (let number = 0; number < 11; number += 1) {
      await until(() => calls.length > number);
      calls[number]?.answer(TAKEN);
    }
    await ended;
    expect(record.waited).toBeGreaterThanOrEqual(80);
    expect(record.latency.max).toBeGreaterThan(50);
    expect(record.service.percentile(50)).toBeLessThan(record.latency.percentile(50));
  });

  test('sends an unknown batch again, later each time, and stops when its time is over', async () => {
    const { generator, calls, journal, record } = generatorOf({ retryForMs: 700 }, 10);
    const ended = generator.run(new AbortController().signal);
    const lost: CallOutcome = { kind: 'unknown', retryAfterMs: 0, failure: 'lost' };
    for (let number = 0; number < 4; number += 1) {
      await until(() => calls.length > number);
      calls[number]?.answer(lost);
    }
    await ended;
    const [first = 0, second = 0, third = 0, fourth = 0] = calls.map(({ at }) => at);
    expect(second - first).toBeGreaterThanOrEqual(49);
    expect(third - second).toBeGreaterThanOrEqual(99);
    expect(fourth - third).toBeGreaterThanOrEqual(199);
    expect(record).toMatchObject({ unknown: 10, retries: 30, failures: { lost: 4 } });
    expect(journal.totals()).toMatchObject({ unknown: 10, accepted: 0 });
  });

  test('waits as long as the server asks for', async () => {
    const { generator, calls } = generatorOf({}, 10);
    const ended = generator.run(new AbortController().signal);
    await until(() => calls.length === 1);
    calls[0]?.answer({ kind: 'refused', code: 'overloaded', again: true, retryAfterMs: 300 });
    await until(() => calls.length === 2);
    expect((calls[1]?.at ?? 0) - (calls[0]?.at ?? 0)).toBeGreaterThanOrEqual(299);
    calls[1]?.answer({ kind: 'answered', rejections: new Map([[0, 'too_old']]) });
    await ended;
  });

  test('calls no pulse rejected that an earlier try may have brought in', async () => {
    const { generator, calls, journal, record } = generatorOf({}, 10);
    const ended = generator.run(new AbortController().signal);
    await until(() => calls.length === 1);
    calls[0]?.answer({ kind: 'unknown', retryAfterMs: 0, failure: null });
    await until(() => calls.length === 2);
    calls[1]?.answer({ kind: 'refused', code: 'forbidden', again: false, retryAfterMs: 0 });
    await ended;
    expect(journal.totals()).toMatchObject({ unknown: 10, rejected: 0 });
    expect(record).toMatchObject({ unknown: 10, rejected: 0, failures: {} });
  });

  test('ends with its own fault instead of hiding it', async () => {
    const { generator, calls, journal } = generatorOf({}, 10);
    journal.accepted = () => {
      throw new Error('a fault of ours');
    };
    const ended = generator.run(new AbortController().signal);
    await until(() => calls.length === 1);
    calls[0]?.answer(TAKEN);
    expect(ended).rejects.toThrow('a fault of ours');
    await ended.catch(() => {});
  });
});
