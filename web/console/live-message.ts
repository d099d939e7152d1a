/** The messages of the operators' live feed, and the one place that reads them from text. */
import type { OperatorAct, Poll } from './poll.ts';

/** Counters of the doors since their start; rates are per second. */
export interface DoorFigures {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly unknown: number;
  readonly acceptedPerSecond: number;
  readonly peakPerSecond: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** Offsets are events of one partition: `end` of the log, then what each store has applied. */
export interface PartitionLag {
  readonly partition: number;
  readonly end: number;
  readonly tally: number;
  readonly ledger: number;
}

export interface LagFigures {
  readonly tallyMs: number | null;
  readonly ledgerMs: number | null;
  readonly partitions: readonly PartitionLag[];
}

export interface Consistency {
  readonly state: 'consistent' | 'different' | 'checking';
  readonly checkedAt: string | null;
  readonly detail: string | null;
}

export interface ProcessFigures {
  readonly name: string;
  readonly rssBytes: number;
  readonly cpuPercent: number;
}

export interface Ops {
  readonly serverTime: string;
  readonly door: DoorFigures;
  readonly lag: LagFigures;
  readonly consistency: Consistency;
  readonly processes: readonly ProcessFigures[];
}

/** Counted votes an option, one number a second from `from` (ms since the Unix epoch). */
export interface SecondHistory {
  readonly from: number;
  readonly votes: Readonly<Record<string, readonly number[]>>;
}

/** The votes counted in the second that starts at `at` (RFC 3339, or ms since the Unix epoch). */
export interface CountedSecond {
  readonly at: string | number;
  readonly votes: Readonly<Record<string, number>>;
}

export interface HelloMessage {
  readonly type: 'hello';
  readonly serverTime: string;
  readonly durability: string;
  readonly logId: string;
  readonly polls: readonly Poll[];
  readonly history: readonly { readonly poll: string; readonly seconds: SecondHistory }[];
  readonly ops: Ops | null;
  readonly acts: readonly OperatorAct[];
}

export interface TickMessage {
  readonly type: 'tick';
  readonly serverTime: string;
  readonly poll: string;
  readonly total: number;
  readonly options: Readonly<Record<string, number>>;
  readonly second?: CountedSecond;
  readonly version: number;
  readonly stale: boolean;
}

export type OpsMessage = Ops & { readonly type: 'ops' };

export type LiveMessage =
  | HelloMessage
  | OpsMessage
  | TickMessage
  | { readonly type: 'poll'; readonly poll: Poll }
  | { readonly type: 'act'; readonly act: OperatorAct };

const KNOWN_TYPES: ReadonlySet<unknown> = new Set(['hello', 'ops', 'tick', 'poll', 'act']);

/**
 * One message of the feed; null for text that is not JSON and for a type that this console does not
 * know, so that a newer server can add types without breaking an open page.
 */
export function parseLiveMessage(text: string): LiveMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || !('type' in value)) return null;
  return KNOWN_TYPES.has(value.type) ? (value as LiveMessage) : null;
}
