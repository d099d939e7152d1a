/** The wall: one poll, large enough to be read across a studio. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { liveEnd } from './chart-series.ts';
import { useConsole } from './console-context.ts';
import { staleness } from './health.ts';
import { Icon } from './icon.tsx';
import { type LivePoll, serverNow } from './live-state.ts';
import { optionLook } from './palette.ts';
import { Photo } from './photo.tsx';
import { isLive } from './poll-act.ts';
import { pollClock } from './poll-clock.ts';
import { votesBetween } from './second-series.ts';
import { standingsOf } from './standing.ts';
import { StateMark } from './state-mark.tsx';
import { Swatch } from './swatch.tsx';
import { useNow } from './use-now.ts';
import { WallCurve } from './wall-curve.tsx';

/** What fits one screen in letters that carry across a room. */
const SHOWN_MAX = 6;

/** So few options have room to be larger. */
const FEW = 4;

/** The rate on the wall is a mean over these seconds: calmer than a single one. */
const RATE_S = 3;

interface WallProps {
  readonly entry: LivePoll;
  onExit(): void;
}

export function Wall({ entry, onExit }: WallProps) {
  const { m, f, live, theme } = useConsole();
  const frame = useRef<HTMLElement>(null);
  const [hasResults, setHasResults] = useState(true);
  const now = useNow(250);
  useEffect(() => {
    // Refused where the page was opened by address: then the wall just fills the window.
    frame.current?.requestFullscreen?.().catch(() => undefined);
    const leave = (event: KeyboardEvent) => {
      if (event.key === 'Escape') onExit();
    };
    addEventListener('keydown', leave);
    return () => {
      removeEventListener('keydown', leave);
      if (document.fullscreenElement !== null) void document.exitFullscreen();
    };
  }, []);

  const { poll, seconds } = entry;
  const clock = pollClock(poll, serverNow(live, now));
  const age = staleness(live.heardAt, now);
  const end = liveEnd(seconds, live.serverKnownUntil);
  const recent = poll.options.reduce(
    (sum, option) => sum + votesBetween(seconds, option.id, end - RATE_S * 1000, end),
    0,
  );
  const standings = standingsOf(entry, end);
  return (
    <main class={`wall${age === null ? '' : ' is-stale'}`} ref={frame}>
      <header>
        <h1>{poll.title}</h1>
        <span class="wall-clock">
          <StateMark state={poll.state} />
          {(clock.kind === 'closes' || clock.kind === 'opens') && (
            <strong role="timer">{f.countdown(clock.leftMs)}</strong>
          )}
        </span>
      </header>
      {hasResults ? (
        <ol class={`wall-options${standings.length <= FEW ? ' is-few' : ''}`}>
          {standings.slice(0, SHOWN_MAX).map((row) => {
            const look = optionLook(row.position, theme);
            return (
              <li key={row.option.id}>
                <Photo option={row.option} size={120} />
                <span class="wall-option">
                  <span class="wall-name">
                    <Swatch look={look} theme={theme} />
                    {row.option.name}
                  </span>
                  <svg
                    class="bar"
                    viewBox="0 0 100 4"
                    preserveAspectRatio="none"
                    aria-hidden="true"
                  >
                    <rect class="bar-track" width="100" height="4" />
                    <rect width={(row.share ?? 0) * 100} height="4" fill={look.color} />
                  </svg>
                </span>
                <span class="wall-share">{row.share === null ? '–' : f.share(row.share)}</span>
                <span class="wall-votes">
                  {f.integer(row.votes)} <span class="unit">{m.votes.toLowerCase()}</span>
                </span>
              </li>
            );
          })}
        </ol>
      ) : (
        <p class="wall-hidden">{m.wallHidden}</p>
      )}
      <footer>
        <Big name={m.counted} value={entry.total === null ? '–' : f.integer(entry.total)} />
        {isLive(poll.state) && (
          <>
            <Big name={m.perSecondUnit} value={f.integer(Math.round(recent / RATE_S))} />
            <WallCurve entry={entry} until={end} />
          </>
        )}
        {age !== null && <p class="stale-mark">{m.ago(f.age(age))}</p>}
      </footer>
      <p class="wall-tools">
        <button type="button" class="quiet" onClick={() => setHasResults(!hasResults)}>
          {hasResults ? m.wallHideResults : m.wallShowResults}
        </button>
        <button type="button" class="quiet" onClick={onExit}>
          <Icon name="close" />
          {m.wallExit}
        </button>
      </p>
    </main>
  );
}

function Big({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <p class="wall-big">
      <span>{name}</span>
      <strong>{value}</strong>
    </p>
  );
}
