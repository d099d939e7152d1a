/** What a load run tells at its end: to a person as text, to a program as one JSON object. */
import type { Histogram } from '../../../runtime/histogram.ts';
import { formatLatency, formatSpan } from '../duration.ts';
import type { BalanceSheet, ViolationKind } from './balance-sheet.ts';
import { LATE_MS, type RunRecord } from './run-record.ts';
import type { JournalTotals } from './vote-journal.ts';

export interface LoadRun {
  readonly url: string;
  readonly poll: string;
  readonly ratePerSecond: number;
  readonly durationMs: number;
  readonly connections: number;
  readonly pipeline: number;
  readonly retryForMs: number;
  readonly seed: number;
  readonly record: RunRecord;
  readonly totals: JournalTotals;
  /** Null where the server's books were not asked for. */
  readonly sheet: BalanceSheet | null;
  /** CPU time of the generator while votes were sent, as a share of one core in percent. */
  readonly cpuPercent: number;
}

/** The one JSON object of `--json`. Latencies in ms. */
export function loadReportJson(run: LoadRun): Readonly<Record<string, unknown>> {
  const { record, totals, sheet } = run;
  return {
    url: run.url,
    poll: run.poll,
    ratePerSecond: run.ratePerSecond,
    durationMs: run.durationMs,
    connections: run.connections,
    pipeline: run.pipeline,
    retryForMs: run.retryForMs,
    seed: run.seed,
    ...totals,
    tries: totals.sent + record.retries,
    elapsedMs: Math.round(record.elapsedMs),
    acceptedPerSecond: Math.round(acceptedPerSecond(record)),
    acceptedBySecond: record.acceptedPerSecond,
    latencyMs: percentiles(record.latency),
    serviceMs: percentiles(record.service),
    connectionFailures: record.failures,
    generator: {
      lateVotes: record.late,
      lateAboveMs: LATE_MS,
      waitedVotes: record.waited,
      backlogMax: record.backlogMax,
      gapMs: percentiles(record.gaps),
      cpuPercent: Math.round(run.cpuPercent),
    },
    balance:
      sheet === null
        ? null
        : {
            countedAccepted: sheet.countedAccepted,
            countedUnknown: sheet.countedUnknown,
            voided: sheet.voided,
            others: sheet.others,
            violations: sheet.violations,
          },
    exact: sheet === null ? null : sheet.exact,
  };
}

function percentiles(histogram: Histogram) {
  const rounded = (ms: number) => Math.round(ms * 1_000) / 1_000;
  return {
    count: histogram.count,
    mean: rounded(histogram.mean),
    p50: rounded(histogram.percentile(50)),
    p90: rounded(histogram.percentile(90)),
    p99: rounded(histogram.percentile(99)),
    p999: rounded(histogram.percentile(99.9)),
    max: rounded(histogram.max),
  };
}

function acceptedPerSecond(record: RunRecord): number {
  return record.elapsedMs === 0 ? 0 : (record.accepted / record.elapsedMs) * 1_000;
}

/** The report for a person. */
export function loadReportText(run: LoadRun): string {
  const { record, totals, sheet } = run;
  const rejections = Object.entries(totals.rejectedByCode).map(
    ([code, count]) => `${code} ${group(count)}`,
  );
  const failures = Object.entries(record.failures).map(
    ([reason, count]) => `${reason} ${group(count)}`,
  );
  const rate = group(Math.round(acceptedPerSecond(record)));
  const unsent = totals.unsent === 0 ? [] : [row('unsent', totals.unsent, 'never left')];
  return [
    `${run.poll} at ${run.url}: ${group(run.ratePerSecond)} votes/s for ` +
      `${formatSpan(run.durationMs)}, ${run.connections} connections` +
      `${run.pipeline === 1 ? '' : `, ${run.pipeline} requests each`}, seed ${run.seed}`,
    '',
    row('sent', totals.sent, record.retries === 0 ? '' : `and ${group(record.retries)} retries`),
    row('accepted', totals.accepted, `${rate} votes/s over ${formatSpan(record.elapsedMs)}`),
    row('rejected', totals.rejected, rejections.join(', ')),
    row('unknown', totals.unknown, sheet === null ? '' : unknownWords(sheet)),
    ...unsent,
    '',
    'Latency of accepted votes, from the instant at which each was due',
    `  ${latencies(record.latency)}`,
    'and from when the accepted try left',
    `  ${latencies(record.service)}`,
    '',
    'The generator itself',
    `  ${share(record.late, totals.sent)} of votes left more than ${LATE_MS} ms late by its own ` +
      `fault, ${share(record.waited, totals.sent)} waited`,
    `  for a free connection (at most ${group(record.backlogMax)} at once); ` +
      `CPU ${Math.round(run.cpuPercent)}% of one core`,
    ...(failures.length === 0 ? [] : [`  connections: ${failures.join(', ')}`]),
    '',
    ...(sheet === null ? ['Balance sheet: not asked for'] : balanceLines(sheet)),
    '',
  ].join('\n');
}

function row(name: string, count: number, words: string): string {
  return `  ${name.padEnd(9)}${group(count).padStart(12)}${words === '' ? '' : `  ${words}`}`;
}

function unknownWords({ unknown, countedUnknown }: BalanceSheet): string {
  return unknown === 0 ? '' : `${group(countedUnknown)} of them counted`;
}

function latencies(histogram: Histogram): string {
  if (histogram.count === 0) return 'none';
  const parts = [50, 90, 99, 99.9].map((p) => `p${p} ${formatLatency(histogram.percentile(p))}`);
  return [...parts, `max ${formatLatency(histogram.max)}`].join('   ');
}

function share(part: number, whole: number): string {
  return `${whole === 0 ? '0.00' : ((part / whole) * 100).toFixed(2)}%`;
}

function balanceLines(sheet: BalanceSheet): string[] {
  const { sent, accepted, rejected, unknown, countedAccepted, countedUnknown } = sheet;
  const counted = countedAccepted + countedUnknown;
  const checks: readonly (readonly [string, readonly ViolationKind[]])[] = [
    [
      `sent = accepted + rejected + unknown: ${[accepted, rejected, unknown].map(group).join(' + ')}` +
        ` = ${group(sent)}`,
      ['sums_differ', 'wrong_answer'],
    ],
    [
      `accepted ⊆ counted: ${group(countedAccepted)} of ${group(accepted)} ids`,
      ['lost', 'not_counted'],
    ],
    [`counted ⊆ accepted ∪ unknown: ${group(counted)} ids`, ['rejected_counted', 'never_sent']],
    ['no id twice', ['twice']],
    ['every id for the option that was sent', ['wrong_option']],
    ['results agree with the ids', ['results_behind', 'results_differ']],
  ];
  const lines = checks.map(([words, kinds]) => {
    const broken = sheet.violations.some(({ kind }) => kinds.includes(kind));
    return `  ${broken ? '✗' : '✓'} ${words}`;
  });
  const named = sheet.violations.flatMap(({ kind, count, first }) => [
    `  ${kind}: ${group(count)}`,
    ...first.map((name) => `    ${name}`),
  ]);
  const aside = [
    ...(sheet.voided === 0 ? [] : [`${group(sheet.voided)} voided since`]),
    ...(sheet.others === 0 ? [] : [`${group(sheet.others)} votes of others`]),
  ];
  return [
    `Balance sheet, id by id: ${sheet.exact ? 'EXACT' : 'NOT EXACT'}`,
    ...lines,
    ...(aside.length === 0 ? [] : [`  besides: ${aside.join(', ')}`]),
    ...named,
  ];
}

/** 1234567 as 1,234,567. */
function group(count: number): string {
  return count.toLocaleString('en-US');
}
