/** What memory holds of a poll as lines for a download: its result and its hours, as operators see them. */
import { getHourly } from '../../application/voting/get-hourly.ts';
import { getResults, type ResultsDeps } from '../../application/voting/get-results.ts';
import { rfc3339Of } from '../../domain/voting/rfc3339.ts';
import { csvLine } from './csv.ts';
import { problem } from './problems.ts';

export type ExportFormat = 'csv' | 'ndjson';

export function resultsText(deps: ResultsDeps, poll: string, format: ExportFormat): string | null {
  const outcome = getResults(deps, { poll, audience: 'operator' });
  const stored = deps.directory.stored(poll, deps.clock.now());
  if (outcome.kind !== 'ok' || stored === undefined || !outcome.results.visible) return null;
  const { asOf, version, stale } = outcome.results;
  const names = new Map(stored.options.map(({ id, name }) => [id, name]));
  const rows = outcome.results.options.map(({ id, votes, share }) => ({
    option: id,
    name: names.get(id) ?? '',
    votes,
    share,
    asOf: rfc3339Of(asOf),
    version,
    stale,
  }));
  if (format === 'ndjson') return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const head = ['option', 'name', 'votes', 'share', 'asOf', 'version', 'stale'];
  return csvLine(head) + rows.map((row) => csvLine(Object.values(row))).join('');
}

export function hoursText(
  deps: ResultsDeps,
  poll: string,
  format: ExportFormat,
): string | Response | null {
  const input = { poll, audience: 'operator', from: null, to: null } as const;
  const outcome = getHourly(deps, input);
  if (outcome.kind === 'range_too_long') {
    return problem('invalid_query', `An export has at most ${outcome.windowsMax} hours.`);
  }
  if (outcome.kind !== 'ok' || !outcome.series.visible) return null;
  const hours = outcome.series.windows.map(({ from, to, total, options }) => ({
    from: rfc3339Of(from),
    to: rfc3339Of(to),
    total,
    options,
  }));
  if (format === 'ndjson') return hours.map((hour) => `${JSON.stringify(hour)}\n`).join('');
  const ids = deps.directory.stored(poll, deps.clock.now())?.options.map(({ id }) => id);
  const head = csvLine(['from', 'to', 'total', ...(ids ?? [])]);
  return (
    head +
    hours
      .map(({ from, to, total, options }) =>
        csvLine([from, to, total, ...(ids ?? []).map((id) => options[id] ?? 0)]),
      )
      .join('')
  );
}
