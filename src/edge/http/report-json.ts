/** Writes a report as the JSON of the API, which the printable page and the CSV are made from too. */
import type { Report, ReportAct, ReportPeak } from '../../../web/report/report.ts';
import type { PollReport } from '../../application/voting/get-report.ts';
import { type ComparedPoll, isFinal, type Peak } from '../../domain/voting/report.ts';
import { rfc3339Of } from '../../domain/voting/rfc3339.ts';
import type { OperatorAct } from '../../ports/catalogue.ts';
import { timeOrNull } from './poll-json.ts';

/** `generatedAt` comes last: all before it is the same as long as nothing has happened. */
export function reportJson(report: PollReport, now: number): Report {
  const { poll, standing, record } = report;
  return {
    poll: poll.id,
    title: poll.title,
    logId: report.logId,
    state: poll.state,
    final: report.final,
    timeZone: poll.timeZone,
    opensAt: timeOrNull(poll.opensAt),
    closesAt: timeOrNull(poll.closesAt),
    closedAt: timeOrNull(report.closedAt),
    total: report.total,
    options: report.options,
    hours: report.hours.map(({ from, to, total, votes }) => ({
      from: rfc3339Of(from),
      to: rfc3339Of(to),
      total,
      options: Object.fromEntries(poll.options.map(({ id }, index) => [id, votes[index] ?? 0])),
    })),
    peakMinute: peakJson(report.peakMinute),
    peakHour: peakJson(report.peakHour),
    books: report.books,
    record:
      record === null
        ? null
        : {
            acts: record.acts.map(actJson),
            actsLeftOff: record.actsLeftOff,
            voids: record.voids.map(actJson),
            consistency: {
              state: record.consistency.state,
              checkedAt: timeOrNull(record.consistency.checkedAt),
              detail: record.consistency.detail,
            },
          },
    comparison: report.comparison?.map(comparedJson) ?? null,
    version: standing.version,
    offsets: standing.offsets,
    asOf: rfc3339Of(standing.asOf),
    generatedAt: rfc3339Of(now),
  };
}

function peakJson(peak: Peak | null): ReportPeak | null {
  if (peak === null) return null;
  return { from: rfc3339Of(peak.from), to: rfc3339Of(peak.to), votes: peak.votes };
}

function actJson({ at, actor, act, detail }: OperatorAct): ReportAct {
  return { at: rfc3339Of(at), actor, act, detail };
}

function comparedJson({ poll, startsAt, total, options, hours }: ComparedPoll) {
  return {
    poll: poll.id,
    title: poll.title,
    state: poll.state,
    final: isFinal(poll.state),
    startsAt: timeOrNull(startsAt),
    total,
    options,
    hours,
  };
}
