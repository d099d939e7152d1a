/** What the live feeds are given, and the figures that operators are shown every second. */
import type { ResultsDeps } from '../../application/voting/get-results.ts';
import type { OperatorAct } from '../../ports/catalogue.ts';
import type { Durability } from '../../ports/event-log.ts';
import type { ConsistencyReport } from '../http/api-deps.ts';
import type { Operators } from '../http/operators.ts';
import type { ResultsBodies } from '../http/results-bodies.ts';
import type { ResultsTokens } from '../http/results-token.ts';

export interface LiveDeps {
  /** Directory, board and clock: the same as the API's. */
  readonly reading: ResultsDeps;
  readonly results: ResultsBodies;
  readonly operators: Operators;
  readonly resultsTokens: ResultsTokens;
  /** Origins whose pages may follow polls, beside this server's own. */
  readonly corsOrigins: readonly string[];
  readonly log: { readonly durability: Durability; readonly logId: string };
  /** The newest acts at start, newest first. */
  readonly recentActs: readonly OperatorAct[];
  /** Viewers of all polls together; default 20,000. */
  readonly viewersMax?: number;
}

/** Once a second; null where there is nothing to measure yet. */
export interface OpsFigures {
  readonly door: {
    readonly received: number;
    readonly accepted: number;
    readonly rejected: Readonly<Record<string, number>>;
    readonly unknown: number;
    readonly acceptedPerSecond: number;
    readonly peakPerSecond: number;
    readonly p50Ms: number | null;
    readonly p99Ms: number | null;
  };
  readonly lag: {
    readonly tallyMs: number | null;
    readonly ledgerMs: number | null;
    /** One past the last offset, and the next offset of each store. */
    readonly partitions: readonly {
      readonly partition: number;
      readonly end: number;
      readonly tally: number;
      readonly ledger: number;
    }[];
  };
  readonly consistency: Pick<ConsistencyReport, 'state' | 'checkedAt' | 'detail'>;
  readonly processes: readonly {
    readonly name: string;
    readonly rssBytes: number;
    readonly cpuPercent: number;
  }[];
}
