/** The strip of metering: how much comes in, what waits behind it, and what asks for a decision. */
import { useConsole } from '../console-context.ts';
import type { Health } from '../health.ts';
import { Tile } from '../status-strip.tsx';
import { useNow } from '../use-now.ts';
import { alarmsOf, type Level } from './alarms.ts';
import { lettersOf, sumOver, waitingIn } from './pulse-rate.ts';
import type { OverviewState } from './use-overview.ts';

/** An answer a second is expected: three of them missing is news. */
const STALE_MS = 4_000;

export function MeteringStrip({ state }: { readonly state: OverviewState }) {
  const { m, f } = useConsole();
  const w = m.metering;
  const now = useNow(1_000);
  const { overview, heardAt, rate, peak } = state;
  const age = heardAt === null ? 0 : now - heardAt;
  const isStale = age > STALE_MS;
  const waiting = overview === null ? null : waitingIn(overview);
  const alarms = overview === null ? [] : alarmsOf(overview, state.samples);
  const healthOf = (kind: string): Health => {
    if (overview === null) return 'unknown';
    const level: Level | undefined = alarms.find((alarm) => alarm.kind === kind)?.level;
    return level ?? 'good';
  };
  const figure = (count: number | undefined) => (count === undefined ? '–' : f.integer(count));
  const received = overview === null ? undefined : sumOver(overview, ({ books }) => books.received);
  return (
    <section class={`strip strip-metering${isStale ? ' is-stale' : ''}`} aria-label={m.stripLabel}>
      <Tile
        name={w.pulsesPerSecond}
        value={rate === null ? '–' : f.integer(rate)}
        unit="/s"
        sub={received === undefined ? '' : w.receivedInAll(f.integer(received))}
        note={m.peak(f.integer(peak))}
      />
      <Tile
        name={w.messagesBehind}
        value={figure(waiting?.messages)}
        unit=""
        sub={w.messagesBehindNote}
        health={healthOf('messages')}
      />
      <Tile
        name={w.usageWaiting}
        value={figure(waiting?.usage)}
        unit=""
        sub={w.usageWaitingNote}
        health={healthOf('usage')}
      />
      <Tile
        name={w.tenantsDue}
        value={figure(waiting?.tenants)}
        unit=""
        sub={w.tenantsDueNote}
        health={healthOf('tenants')}
      />
      <Tile
        name={w.lettersPending}
        value={figure(overview === null ? undefined : lettersOf(overview))}
        unit=""
        sub={w.lettersPendingNote}
        health={healthOf('letters')}
      />
      {isStale && <p class="stale-mark">{m.ago(f.age(age))}</p>}
    </section>
  );
}
