/** The tab's title: state, time left and rate, readable while another tab is in front. */
import { useEffect } from 'preact/hooks';
import type { Formats } from './format.ts';
import { type LivePoll, type LiveState, serverNow } from './live-state.ts';
import type { Messages } from './messages-pt-br.ts';
import { pollClock } from './poll-clock.ts';
import { useNow } from './use-now.ts';

export function useTitle(entry: LivePoll | null, live: LiveState, m: Messages, f: Formats): void {
  const now = useNow(1000);
  const title = titleOf(entry, live, m, f, serverNow(live, now));
  useEffect(() => {
    document.title = title;
  }, [title]);
}

function titleOf(
  entry: LivePoll | null,
  live: LiveState,
  m: Messages,
  f: Formats,
  now: number,
): string {
  if (live.link.phase === 'lost') return `⚠ ${m.linkLost} · Apura`;
  if (entry === null) return m.consoleTitle;
  const clock = pollClock(entry.poll, now);
  const left = clock.kind === 'closes' ? ` ${f.countdown(clock.leftMs)}` : '';
  return `${m.state[entry.poll.state]}${left} · ${entry.poll.title} · Apura`;
}
