/** When the state of a partition is an alarm: every bound, and the words that an operator reads. */
import { JOURNAL_BLOCKS_MAX } from './log-truth.ts';
import type { StoreFacts } from './store-watch.ts';

/** Differences that stand longer than this are nothing that mends itself. */
const DIFFERENCE_ALARM_MS = 10_000;
/** A store that is behind and has not moved for this long has nobody who works for it. */
const STILL_ALARM_MS = 10_000;
/** A store that takes longer than this to get where the log ended is too slow, or its worker is. */
const LAG_ALARM_MS = 30_000;
/** A store that can not be read for this long is away, not restarting. */
const AWAY_ALARM_MS = 10_000;
/** Of a trimmed log's blocks: a store whose re-reading starts in this first part may lose the race. */
const RETENTION_ALARM_SHARE = 0.1;

export type AlarmKind =
  | 'different'
  | 'still'
  | 'lag'
  | 'away'
  | 'retention'
  | 'log_trimmed'
  | 'log_rewound'
  | 'log_corrupt'
  | 'expired';

export interface SyncAlarm {
  readonly kind: AlarmKind;
  readonly partition: number;
  readonly words: string;
}

/** All that alarms are decided by, of one partition at one moment. Times in ms. */
export interface PartitionFacts {
  readonly partition: number;
  readonly bounds: { readonly start: number; readonly end: number } | null;
  readonly stores: readonly StoreFacts[];
  readonly logAwayMs: number | null;
  /** For how long each account has differed from the log. */
  readonly differing: readonly { readonly account: string; readonly forMs: number }[];
  readonly expired: ReadonlyMap<string, number>;
  /** What the fold has met in the log that must not be there, in the log's words. */
  readonly broken: readonly { readonly kind: AlarmKind; readonly words: string }[];
}

export function alarmsOf(facts: PartitionFacts): readonly SyncAlarm[] {
  const { partition, differing, expired, broken, logAwayMs } = facts;
  const alarms: SyncAlarm[] = [];
  const raise = (kind: AlarmKind, words: string): void => {
    alarms.push({ kind, partition, words: `Partition ${partition}: ${words}` });
  };
  for (const { account, forMs } of differing) {
    if (forMs > DIFFERENCE_ALARM_MS) {
      raise('different', `the ${account} has differed from the log for ${seconds(forMs)}.`);
    }
  }
  if (logAwayMs !== null && logAwayMs > AWAY_ALARM_MS) {
    raise('away', `the log can not be read since ${seconds(logAwayMs)}.`);
  }
  for (const store of facts.stores) raiseStore(facts, store, raise);
  for (const { kind, words } of broken) raise(kind, words);
  for (const [scope, count] of expired) {
    if (count > 0) {
      raise('expired', `of poll ${scope}, ${count} came into the log too late to count.`);
    }
  }
  return alarms;
}

function raiseStore(
  { bounds }: PartitionFacts,
  { name, seen, stillMs, lagMs, awayMs }: StoreFacts,
  raise: (kind: AlarmKind, words: string) => void,
): void {
  if (awayMs !== null && awayMs > AWAY_ALARM_MS) {
    raise('away', `the ${name} can not be read since ${seconds(awayMs)}.`);
  }
  if (bounds === null || seen === null) return;
  const { start, end } = bounds;
  const { nextOffset, windowStartOffset } = seen;
  const behind = end - nextOffset;
  if (stillMs > STILL_ALARM_MS) {
    raise('still', `the ${name} is ${behind} blocks behind and has stood for ${seconds(stillMs)}.`);
  } else if (lagMs > LAG_ALARM_MS || behind >= JOURNAL_BLOCKS_MAX) {
    raise('lag', `the ${name} is ${behind} blocks behind, ${seconds(lagMs)} at least.`);
  }
  if (behind < 0) {
    raise('log_rewound', `the ${name} stands at block ${nextOffset}, but the log ends at ${end}.`);
  }
  if (start > nextOffset) {
    const lost = `blocks ${nextOffset} to ${start - 1} are gone`;
    raise('log_trimmed', `the ${name} stands at block ${nextOffset}, and ${lost}.`);
  } else if (start > windowStartOffset) {
    raise(
      'log_trimmed',
      `the ${name} must re-read from block ${windowStartOffset}, but the log starts at ${start}.`,
    );
  } else if (start > 0 && windowStartOffset - start < (end - start) * RETENTION_ALARM_SHARE) {
    const left = windowStartOffset - start;
    raise('retention', `only ${left} blocks are left before the log is trimmed under the ${name}.`);
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
