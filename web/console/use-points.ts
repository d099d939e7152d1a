/** The server's history of one poll, fetched for the shown range and kept fresh while votes arrive. */
import { useEffect, useState } from 'preact/hooks';
import { stepForSpan } from './chart-series.ts';
import { useConsole } from './console-context.ts';
import { serverNow } from './live-state.ts';
import type { Poll, Timeseries } from './poll.ts';
import { isLive } from './poll-act.ts';

export const RANGES = ['5m', '1h', 'all'] as const;
export type Range = (typeof RANGES)[number];

export type Points =
  | { readonly state: 'none' | 'loading' | 'failed'; readonly series: null }
  | { readonly state: 'ready'; readonly series: Timeseries };

/** Well within the ten minutes that the live seconds can bridge. */
const REFRESH_MS = 30_000;
const HOUR_MS = 3_600_000;

export function usePoints(poll: Poll, range: Range): Points {
  const { api, live } = useConsole();
  const [fetched, setFetched] = useState<{ readonly key: string; readonly points: Points }>();
  const key = `${poll.id} ${range}`;

  useEffect(() => {
    if (range === '5m') return;
    let isCurrent = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async () => {
      const now = serverNow(live, Date.now());
      const outcome = await (range === '1h'
        ? api.timeseries(poll.id, '1m', now - HOUR_MS)
        : wholeSeries(poll, now));
      if (!isCurrent) return;
      setFetched((before) => {
        if (outcome.ok) return { key, points: { state: 'ready', series: outcome.value } };
        // A failed refresh leaves what is there: the live seconds go on bridging.
        return before?.key === key && before.points.state === 'ready'
          ? before
          : { key, points: { state: 'failed', series: null } };
      });
      if (isLive(poll.state) || !outcome.ok) timer = setTimeout(() => void load(), REFRESH_MS);
    };
    const wholeSeries = async (of: Poll, now: number) => {
      const bound = stepForSpan(now - Date.parse(of.createdAt));
      if (bound === '1m') return api.timeseries(of.id, '1m', null);
      // A poll may wait for days as a draft: the first coarse point tells where the votes begin.
      const coarse = await api.timeseries(of.id, '1h', null);
      const [first] = coarse.ok ? coarse.value.points : [];
      const last = coarse.ok ? coarse.value.points.at(-1) : undefined;
      if (first === undefined || last === undefined) return coarse;
      const span = Date.parse(last.from) + HOUR_MS - Date.parse(first.from);
      const step = stepForSpan(span);
      return step === '1h' ? coarse : api.timeseries(of.id, step, Date.parse(first.from));
    };
    void load();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [key, poll.state, live.hellos]);

  if (range === '5m') return { state: 'none', series: null };
  return fetched?.key === key ? fetched.points : { state: 'loading', series: null };
}
