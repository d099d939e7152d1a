/** What a load run tells at its end: to a person as text, to a program as one JSON object. */
import { formatSpan } from '../duration.ts';
import type { BalanceSheet, ViolationKind } from './balance-sheet.ts';
import type { JournalTotals } from './delivery-journal.ts';
import {
  acceptedPerSecond,
  group,
  latencies,
  namedCounts,
  percentiles,
  row,
  share,
} from './report-words.ts';
import { LATE_MS, type RunRecord } from './run-record.ts';

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

/** The report for a person. */
export function loadReportText(run: LoadRun): string {
  const { record, totals, sheet } = run;
  const failures = namedCounts(record.failures);
  const rate = group(Math.round(acceptedPerSecond(record)));
  const unsent = totals.unsent === 0 ? [] : [row('unsent', totals.unsent, 'never left')];
  return [
    `${run.poll} at ${run.url}: ${group(run.ratePerSecond)} votes/s for ` +
      `${formatSpan(run.durationMs)}, ${run.connections} connections` +
      `${run.pipeline === 1 ? '' : `, ${run.pipeline} requests each`}, seed ${run.seed}`,
    '',
    row('sent', totals.sent, record.retries === 0 ? '' : `and ${group(record.retries)} retries`),
    row('accepted', totals.accepted, `${rate} votes/s over ${formatSpan(record.elapsedMs)}`),
    row('rejected', totals.rejected, namedCounts(totals.rejectedByCode)),
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
    ...(failures === '' ? [] : [`  connections: ${failures}`]),
    '',
    ...(sheet === null ? ['Balance sheet: not asked for'] : balanceLines(sheet)),
    '',
  ].join('\n');
}

function unknownWords({ unknown, countedUnknown }: BalanceSheet): string {
  return unknown === 0 ? '' : `${group(countedUnknown)} of them counted`;
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
