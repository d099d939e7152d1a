/** Pulses per second from the books that the server shows once a second: differences, never a guess. */
import type { Overview } from './metering.ts';

/** Five minutes of seconds. */
export const SAMPLES_MAX = 300;

/** A pause longer than this is a gap: its average would draw a curve that nobody has seen. */
const GAP_MS = 10_000;

export interface Sample {
  /** When the answer came, ms since the Unix epoch. */
  readonly at: number;
  /** Pulses that the ledger has taken since ever. */
  readonly received: number;
  /** What waits at this instant: messages for the ledger, usage for rating, tenants for their charges. */
  readonly waiting: Readonly<Record<Waiting, number>>;
}

export const WAITINGS = ['messages', 'usage', 'tenants'] as const;
export type Waiting = (typeof WAITINGS)[number];

export interface RatePoint {
  readonly at: number;
  /** Null behind a gap, and where the count fell: the ledger was rebuilt. */
  readonly perSecond: number | null;
}

export function sampleOf(overview: Overview, at: number): Sample {
  return {
    at,
    received: sumOver(overview, ({ books }) => books.received),
    waiting: waitingIn(overview),
  };
}

export function waitingIn(overview: Overview): Sample['waiting'] {
  return {
    messages: behindOf(overview),
    usage: overview.usageBehind + overview.usagePending,
    tenants: overview.ratingDue,
  };
}

/** For how long there has been something waiting without a break, as far as the samples go back, ms. */
export function waitedMs(samples: readonly Sample[], what: Waiting): number {
  const last = samples.at(-1);
  if (last === undefined || last.waiting[what] === 0) return 0;
  const idle = samples.findLastIndex(({ waiting }) => waiting[what] === 0);
  return last.at - (samples[idle + 1] ?? last).at;
}

/** The samples and one more; the oldest go. */
export function withSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  return [...samples, sample].slice(-SAMPLES_MAX);
}

export function ratesOf(samples: readonly Sample[]): readonly RatePoint[] {
  return samples.slice(1).map((sample, i) => {
    const before = samples[i] ?? sample;
    const ms = sample.at - before.at;
    const count = sample.received - before.received;
    const isKnown = ms > 0 && ms <= GAP_MS && count >= 0;
    return { at: sample.at, perSecond: isKnown ? (count * 1000) / ms : null };
  });
}

/** The rate over the last `seconds` of samples; null while there are no two. */
export function rateNow(samples: readonly Sample[], seconds: number): number | null {
  const last = samples.at(-1);
  if (last === undefined) return null;
  const first = samples.find(({ at }) => at >= last.at - seconds * 1000);
  if (first === undefined || first.at === last.at || last.received < first.received) return null;
  return ((last.received - first.received) * 1000) / (last.at - first.at);
}

/** Messages in the log that the ledger has not taken yet. */
function behindOf(overview: Overview): number {
  return sumOver(overview, ({ end, next }) => Math.max(0, end - next));
}

export function lettersOf(overview: Overview): number {
  return Object.values(overview.deadLetters).reduce((sum, count) => sum + count, 0);
}

export function sumOver(
  overview: Overview,
  of: (partition: Overview['partitions'][number]) => number,
): number {
  return overview.partitions.reduce((sum, partition) => sum + of(partition), 0);
}
