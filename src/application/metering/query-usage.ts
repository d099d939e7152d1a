/** Answers what was used: by the hours, days or months of a time zone, and by what it is to be told apart by. */
import { isTimeZone } from '../../domain/counting/time-window.ts';
import { USAGE_WINDOW_MS } from '../../domain/metering/usage.ts';
import { type Granularity, usageBounds } from '../../domain/metering/usage-bounds.ts';
import { addUpUsage } from '../../domain/metering/usage-sum.ts';
import type { FieldProblem } from '../../domain/voting/poll-fields.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PulseLedger } from '../../ports/pulse-ledger.ts';
import type { LogEnds } from './get-overview.ts';

export interface QueryUsageDeps {
  readonly ledger: Pick<PulseLedger, 'usage' | 'checkpoint'>;
  readonly pulses: LogEnds;
  readonly clock: Pick<Clock, 'now'>;
}

export interface UsageQuestion {
  /** Null: every tenant (operators alone). */
  readonly tenant: string | null;
  readonly sku: string | null;
  readonly unit: string | null;
  /** ms since the Unix epoch, `[from, to)`. */
  readonly from: number;
  readonly to: number;
  readonly granularity: Granularity;
  readonly timeZone: string;
  /** What rows are told apart by beside the window; a unit is always one of them. */
  readonly groupBy: readonly ('tenant' | 'sku' | 'unit')[];
}

export interface UsageAnswerRow {
  readonly from: number;
  readonly to: number;
  readonly tenant: string | null;
  readonly sku: string | null;
  readonly unit: string;
  /** In 10^-AMOUNT_SCALE. */
  readonly sum: bigint;
  readonly count: number;
  readonly min: bigint;
  readonly max: bigint;
  readonly last: bigint;
}

export type UsageAnswer =
  | {
      readonly kind: 'ok';
      readonly rows: readonly UsageAnswerRow[];
      /** Everything that was received up to here is in it, ms since the Unix epoch. */
      readonly asOf: number;
    }
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] };

/** Rows of one answer: about 5 MB of JSON. */
export const USAGE_ROWS_MAX = 20_000;
/** Series times windows behind one answer, before they are put together as it asks: about 50 MB. */
export const LEDGER_ROWS_MAX = 100_000;

/**
 * Rows in the order of (tenant, sku, unit, from).
 *
 * @throws ApuraError `too_many_rows`: of the answer, or behind it; or as the ledger.
 */
export async function queryUsage(
  deps: QueryUsageDeps,
  question: UsageQuestion,
): Promise<UsageAnswer> {
  const { tenant, sku, unit, from, to, granularity, timeZone, groupBy } = question;
  const problems = problemsOf(question);
  if (problems.length > 0) return { kind: 'invalid', problems };
  const bounds = usageBounds(from, to, granularity, timeZone);
  if (bounds === null) {
    return { kind: 'invalid', problems: [problem('granularity', 'Gives too many windows.')] };
  }
  const asOf = await appliedUpTo(deps);
  const found = await deps.ledger.usage({ tenant, sku, unit, from, to }, bounds, LEDGER_ROWS_MAX);
  const [byTenant, bySku] = [groupBy.includes('tenant'), groupBy.includes('sku')];
  const grouped = found.map(({ series, ...row }) => ({
    ...row,
    series: {
      tenant: byTenant ? series.tenant : '',
      sku: bySku ? series.sku : '',
      unit: series.unit,
    },
  }));
  const sums = addUpUsage(grouped, bounds, USAGE_ROWS_MAX);
  const rows = sums.map(({ series, start, end, ...total }) => ({
    from: start,
    to: end,
    tenant: byTenant ? series.tenant : null,
    sku: bySku ? series.sku : null,
    unit: series.unit,
    sum: total.sum,
    count: total.count,
    min: total.min,
    max: total.max,
    last: total.last,
  }));
  return { kind: 'ok', rows, asOf };
}

/**
 * Everything that was acknowledged up to here is in the ledger, ms since the Unix epoch.
 *
 * A partition that the ledger has applied to its end, with the end asked after `now` was read, holds nothing
 * older than `now` that is not applied: what is acknowledged lies in the log. Of one that is behind, the
 * ledger's log time says it: some applied block was sealed then, and whatever is not applied lies behind
 * it in the log, so was appended, and acknowledged, later. (Both by the clocks of doors and of this
 * process, which may differ by S.)
 */
async function appliedUpTo({ ledger, pulses, clock }: QueryUsageDeps): Promise<number> {
  const now = clock.now();
  const numbers = Array.from({ length: pulses.partitions }, (_, partition) => partition);
  const times = await Promise.all(
    numbers.map(async (partition) => {
      const end = await pulses.end(partition);
      const { nextOffset, logTime } = await ledger.checkpoint(partition);
      return nextOffset >= end ? now : Math.min(logTime, now);
    }),
  );
  return Math.min(now, ...times);
}

function problemsOf({ from, to, timeZone }: UsageQuestion): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const [name, instant] of Object.entries({ from, to })) {
    if (instant % USAGE_WINDOW_MS === 0) continue;
    problems.push(problem(name, 'Must lie on a whole quarter of an hour.'));
  }
  if (from >= to) problems.push(problem('to', 'Must be later than from.'));
  if (!isTimeZone(timeZone)) problems.push(problem('timeZone', 'Must be an IANA time zone.'));
  return problems;
}

function problem(name: string, detail: string): FieldProblem {
  return { pointer: `/${name}`, code: 'invalid_body', detail };
}
