/** What sync leaves of a report in the catalogue, for processes that do not fold the log themselves. */
import type { ConsistencyRecord } from '../../ports/catalogue.ts';
import { positionsOf, type SyncReport } from './sync-report.ts';

/** Every poll may have an alarm in every partition; past this many, their number says enough. */
const ALARMS_TOLD_MAX = 100;

/** @param now when the record is written, ms since the Unix epoch. */
export function recordOf(report: SyncReport, logId: string, now: number): ConsistencyRecord {
  const { state, checkedAt, detail, differences } = report;
  const words = report.alarms.map((alarm) => alarm.words);
  const more = words.length - ALARMS_TOLD_MAX;
  const alarms = words.slice(0, ALARMS_TOLD_MAX);
  if (more > 0) alarms.push(`And ${more} more alarms.`);
  const partitions = positionsOf(report);
  return { logId, state, checkedAt, reportedAt: now, detail, differences, partitions, alarms };
}
