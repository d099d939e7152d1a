/** What a load of pulses tells at its end: to a person as text, to a program as one JSON object. */
import { formatAmount } from '../../../domain/metering/amount.ts';
import { formatSpan } from '../duration.ts';
import type { JournalTotals } from '../load/delivery-journal.ts';
import {
  acceptedPerSecond,
  group,
  latencies,
  namedCounts,
  percentiles,
  row,
  share,
} from '../load/report-words.ts';
import { LATE_MS, type RunRecord } from '../load/run-record.ts';
import type { DuplicateCounts } from './pulse-generator.ts';
import type { PulseBalance, PulseViolationKind } from './usage-balance.ts';

export interface PulseRun {
  readonly url: string;
  readonly prefix: string;
  readonly ratePerSecond: number;
  readonly durationMs: number;
  readonly batch: number;
  readonly connections: number;
  readonly retryForMs: number;
  readonly seed: number;
  readonly record: RunRecord;
  readonly totals: JournalTotals;
  readonly duplicates: DuplicateCounts;
  /** Null where the server's books were not asked for, or could not be had. */
  readonly balance: PulseBalance | null;
  /** CPU time of the generator while pulses were sent, as a share of one core in percent. */
  readonly cpuPercent: number;
}

/** The one JSON object of `--json`. Latencies in ms, amounts as exact decimals. */
export function pulseReportJson(run: PulseRun): Readonly<Record<string, unknown>> {
  const { record, totals, balance } = run;
  return {
    url: run.url,
    prefix: run.prefix,
    ratePerSecond: run.ratePerSecond,
    durationMs: run.durationMs,
    batch: run.batch,
    connections: run.connections,
    retryForMs: run.retryForMs,
    seed: run.seed,
    ...totals,
    tries: totals.sent + record.retries,
    duplicates: run.duplicates,
    elapsedMs: Math.round(record.elapsedMs),
    acceptedPerSecond: Math.round(acceptedPerSecond(record)),
    acceptedBySecond: record.acceptedPerSecond,
    latencyMs: percentiles(record.latency),
    serviceMs: percentiles(record.service),
    connectionFailures: record.failures,
    generator: {
      latePulses: record.late,
      lateAboveMs: LATE_MS,
      waitedPulses: record.waited,
      backlogMax: record.backlogMax,
      gapMs: percentiles(record.gaps),
      cpuPercent: Math.round(run.cpuPercent),
    },
    balance:
      balance === null
        ? null
        : {
            acknowledged: usageJson(balance.expected),
            usage: usageJson(balance.usage),
            series: balance.series,
            countedUnknown: balance.countedUnknown,
            violations: balance.violations,
          },
    exact: balance === null ? null : balance.exact,
  };
}

function usageJson({ sum, count }: { readonly sum: bigint; readonly count: number }) {
  return { sum: formatAmount(sum), count };
}

/** The report for a person. */
export function pulseReportText(run: PulseRun): string {
  const { record, totals, balance, duplicates } = run;
  const failures = namedCounts(record.failures);
  const rate = group(Math.round(acceptedPerSecond(record)));
  const unsent = totals.unsent === 0 ? [] : [row('unsent', totals.unsent, 'never left')];
  const resolved =
    balance === null || totals.unknown === 0
      ? ''
      : `${group(balance.countedUnknown)} of them counted`;
  const again = duplicates.sent === 0 ? '' : `, ${group(duplicates.sent)} sent again on purpose`;
  return [
    `${run.prefix} at ${run.url}: ${group(run.ratePerSecond)} pulses/s for ` +
      `${formatSpan(run.durationMs)} in batches of ${group(run.batch)}, at most ` +
      `${run.connections} requests at once, seed ${run.seed}`,
    '',
    row('sent', totals.sent, `and ${group(record.retries)} retries${again}`),
    row('accepted', totals.accepted, `${rate} pulses/s over ${formatSpan(record.elapsedMs)}`),
    row('rejected', totals.rejected, namedCounts(totals.rejectedByCode)),
    row('unknown', totals.unknown, resolved),
    ...unsent,
    '',
    'Latency of accepted batches, from the instant at which each was due',
    `  ${latencies(record.latency)}`,
    'and from when the accepted try left',
    `  ${latencies(record.service)}`,
    '',
    'The generator itself',
    `  ${share(record.late, totals.sent)} of pulses fell due more than ${LATE_MS} ms before it ` +
      `looked, ${share(record.waited, totals.sent)} waited for room`,
    `  (at most ${group(record.backlogMax)} at once); CPU ${Math.round(run.cpuPercent)}% of one core`,
    ...(failures === '' ? [] : [`  requests: ${failures}`]),
    '',
    ...(balance === null ? ['Balance sheet: not drawn'] : balanceLines(totals, balance)),
    '',
  ].join('\n');
}

function balanceLines(totals: JournalTotals, balance: PulseBalance): string[] {
  const { expected, usage, violations } = balance;
  const parts = [totals.accepted, totals.rejected, totals.unknown].map(group).join(' + ');
  const checks: readonly (readonly [string, readonly PulseViolationKind[]])[] = [
    [`sent = accepted + rejected + unknown: ${parts} = ${group(totals.sent)}`, ['sums_differ']],
    [
      `usage of each of ${group(balance.series)} series = what was acknowledged`,
      ['usage_differs', 'unresolved'],
    ],
    ['no accepted pulse rejected when sent again', ['duplicate_rejected']],
  ];
  return [
    `Balance sheet, series by series: ${balance.exact ? 'EXACT' : 'NOT EXACT'}`,
    ...checks.map(([words, kinds]) => {
      const broken = violations.some(({ kind }) => kinds.includes(kind));
      return `  ${broken ? '✗' : '✓'} ${words}`;
    }),
    `  acknowledged ${formatAmount(expected.sum)} in ${group(expected.count)} pulses`,
    `  usage        ${formatAmount(usage.sum)} in ${group(usage.count)} pulses`,
    ...violations.flatMap(({ kind, count, first }) => [
      `  ${kind}: ${group(count)}`,
      ...first.map((name) => `    ${name}`),
    ]),
  ];
}
