/** Writes a report as CSV: one fact a line under fixed columns, for a spreadsheet to sort and pivot. */
import type { Report, ReportAct } from '../../../web/report/report.ts';
import { type ZoneOffset, zoneOffset } from '../../domain/counting/time-window.ts';
import { zonedRfc3339Of } from '../../domain/voting/rfc3339.ts';
import { type CsvCell, csvLine } from './csv.ts';

const COLUMNS = ['section', 'poll', 'from', 'to', 'option', 'name', 'value'] as const;

interface Fact {
  readonly section: string;
  readonly poll: string;
  readonly from?: string | null;
  readonly to?: string | null;
  readonly option?: string;
  readonly name: string;
  readonly value: CsvCell;
}

/** Times stand on the clocks of the poll's zone, with their distance from UTC. */
export function reportCsv(report: Report): string {
  const local = localTimes(zoneOffset(report.timeZone));
  const facts = [
    ...headFacts(report, local),
    ...countFacts(report, local),
    ...recordFacts(report, local),
    ...comparisonFacts(report, local),
  ];
  return csvLine(COLUMNS) + facts.map(lineOf).join('');
}

type LocalTime = (time: string | null) => string | null;

function localTimes(offsetAt: ZoneOffset): LocalTime {
  return (time) => (time === null ? null : zonedRfc3339Of(Date.parse(time), offsetAt));
}

function lineOf({ section, poll, from = null, to = null, option = null, name, value }: Line) {
  return csvLine([section, poll, from, to, option, name, value]);
}

type Line = Omit<Fact, 'option'> & { readonly option?: string | null };

function headFacts(report: Report, local: LocalTime): readonly Fact[] {
  const { poll } = report;
  const facts: Readonly<Record<string, CsvCell>> = {
    title: report.title,
    logId: report.logId,
    state: report.state,
    final: report.final,
    timeZone: report.timeZone,
    opensAt: local(report.opensAt),
    closesAt: local(report.closesAt),
    closedAt: local(report.closedAt),
    version: report.version,
    asOf: local(report.asOf),
    generatedAt: local(report.generatedAt),
  };
  return [
    ...named('poll', poll, facts),
    ...report.offsets.map(({ partition, next }) => ({
      section: 'offset',
      poll,
      name: `partition ${partition}`,
      value: next,
    })),
  ];
}

function countFacts(report: Report, local: LocalTime): readonly Fact[] {
  const { poll, options, peakMinute, peakHour } = report;
  const peaks = [
    { name: 'peakMinute', peak: peakMinute },
    { name: 'peakHour', peak: peakHour },
  ];
  return [
    { section: 'total', poll, name: 'votes', value: report.total },
    ...options.flatMap(({ id, name, votes, share }) => [
      { section: 'option', poll, option: id, name: 'name', value: name },
      { section: 'option', poll, option: id, name: 'votes', value: votes },
      { section: 'option', poll, option: id, name: 'share', value: share },
    ]),
    ...peaks.flatMap(({ name, peak }) =>
      peak === null
        ? []
        : [
            {
              section: 'peak',
              poll,
              from: local(peak.from),
              to: local(peak.to),
              name,
              value: peak.votes,
            },
          ],
    ),
    ...report.hours.flatMap((hour) =>
      options.map(({ id }) => ({
        section: 'hour',
        poll,
        from: local(hour.from),
        to: local(hour.to),
        option: id,
        name: 'votes',
        value: hour.options[id] ?? 0,
      })),
    ),
  ];
}

function recordFacts({ poll, books, record }: Report, local: LocalTime): readonly Fact[] {
  const facts: Fact[] = books === null ? [] : [...named('books', poll, { ...books })];
  if (record === null) return facts;
  const { state, checkedAt, detail } = record.consistency;
  const acts = (section: string, of: readonly ReportAct[]): readonly Fact[] =>
    of.map(({ at, actor, act, detail: what }) => ({
      section,
      poll,
      from: local(at),
      name: actor,
      value: what === null ? act : `${act}: ${what}`,
    }));
  return [
    ...facts,
    ...named('consistency', poll, { state, checkedAt: local(checkedAt), detail }),
    ...acts('void', record.voids),
    ...acts('act', record.acts),
  ];
}

function comparisonFacts({ comparison }: Report, local: LocalTime): readonly Fact[] {
  return (comparison ?? []).flatMap(({ poll, title, final, startsAt, total, options, hours }) => [
    ...named('compare', poll, { title, final, startsAt: local(startsAt), votes: total }),
    ...options.flatMap(({ id, name, votes, share }) => [
      { section: 'compare', poll, option: id, name: 'name', value: name },
      { section: 'compare', poll, option: id, name: 'votes', value: votes },
      { section: 'compare', poll, option: id, name: 'share', value: share },
    ]),
    ...hours.map((votes, index) => ({
      section: 'compare',
      poll,
      name: `hour ${index + 1}`,
      value: votes,
    })),
  ]);
}

function named(
  section: string,
  poll: string,
  facts: Readonly<Record<string, CsvCell>>,
): readonly Fact[] {
  return Object.entries(facts).map(([name, value]) => ({ section, poll, name, value }));
}
