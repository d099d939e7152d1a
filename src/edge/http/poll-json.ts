/** Writes polls, results, series, acts and receipts as the JSON of the API: times in RFC 3339, names in one order. */
import type { Receipt } from '../../application/voting/get-receipt.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import { rfc3339Of } from '../../domain/voting/rfc3339.ts';
import type { ShownResults, ShownSeries } from '../../domain/voting/shown-results.ts';
import type { OperatorAct } from '../../ports/catalogue.ts';

/** A time in JSON, or null. */
export function timeOrNull(instant: number | null): string | null {
  return instant === null ? null : rfc3339Of(instant);
}

/** A poll as it is shown; `serverTime` comes with every answer that holds one. */
export function pollJson(poll: Poll) {
  return {
    id: poll.id,
    title: poll.title,
    state: poll.state,
    options: poll.options.map(({ id, name, imageUrl }) => ({ id, name, imageUrl })),
    opensAt: timeOrNull(poll.opensAt),
    closesAt: timeOrNull(poll.closesAt),
    timeZone: poll.timeZone,
    votePolicy: poll.votePolicy,
    challengePolicy: poll.challengePolicy,
    resultsVisibility: poll.resultsVisibility,
    resultsDetail: poll.resultsDetail,
    look: { accentColor: poll.look.accentColor, logoUrl: poll.look.logoUrl },
    version: poll.version,
    createdAt: rfc3339Of(poll.createdAt),
    updatedAt: rfc3339Of(poll.updatedAt),
  };
}

export function timedPollJson(poll: Poll, now: number) {
  return { ...pollJson(poll), serverTime: rfc3339Of(now) };
}

export function resultsJson(results: ShownResults) {
  const { poll, state, version, stale } = results;
  const asOf = rfc3339Of(results.asOf);
  if (!results.visible) {
    return { poll, state, visible: false, reason: results.reason, asOf, version, stale };
  }
  const { detail, total, options } = results;
  return { poll, state, visible: true, detail, total, options, asOf, version, stale };
}

/** A hidden series, or what both kinds of visible ones begin with. */
function seriesHead(series: ShownSeries) {
  const { poll, state, version, stale } = series;
  const tail = { asOf: rfc3339Of(series.asOf), version, stale };
  return series.visible
    ? { poll, state, visible: true, detail: series.detail, timeZone: series.timeZone, ...tail }
    : { poll, state, visible: false, reason: series.reason, ...tail };
}

export function hourlyJson(series: ShownSeries) {
  if (!series.visible) return seriesHead(series);
  const hours = series.windows.map(({ from, to, total, options }) => ({
    from: rfc3339Of(from),
    to: rfc3339Of(to),
    total,
    options,
  }));
  return { ...seriesHead(series), hours };
}

export function timeseriesJson(series: ShownSeries, step: string) {
  if (!series.visible) return { ...seriesHead(series), step };
  const points = series.windows.map(({ from, total, options }) => ({
    from: rfc3339Of(from),
    total,
    options,
  }));
  return { ...seriesHead(series), step, points };
}

export function actJson(act: OperatorAct) {
  const { actor, poll, detail } = act;
  return { at: rfc3339Of(act.at), actor, act: act.act, poll, detail };
}

export function receiptJson(receipt: Receipt) {
  const { id, poll, status, acceptedAt } = receipt;
  return { id, poll, status, acceptedAt: timeOrNull(acceptedAt) };
}
