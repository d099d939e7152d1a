/** The strip that is always in sight: is it open, is it fast, is it right. */
import type { ComponentChildren } from 'preact';
import { textOf, useConsole } from './console-context.ts';
import {
  acceptHealth,
  consistencyHealth,
  type Health,
  lagHealth,
  ledgerLagHealth,
  staleness,
} from './health.ts';
import { Icon } from './icon.tsx';
import { type LivePoll, serverNow } from './live-state.ts';
import { pollClock } from './poll-clock.ts';
import { StateMark } from './state-mark.tsx';
import { useNow } from './use-now.ts';

export function StatusStrip({ entry }: { readonly entry: LivePoll | null }) {
  const { m, f, live } = useConsole();
  const now = useNow(250);
  const age = staleness(live.heardAt, now);
  const ops = live.ops;
  const dash = { value: '–', unit: '' };
  const duration = (ms: number | null | undefined) => (ms == null ? dash : f.duration(ms));
  const text = (ms: number | null) => {
    const { value, unit } = duration(ms);
    return unit === '' ? value : `${value} ${unit}`;
  };
  const durability = live.durability ?? '';
  const isRebuilt = entry?.stale === true;

  return (
    <section class={`strip${age === null ? '' : ' is-stale'}`} aria-label={m.stripLabel}>
      {entry !== null && <StateTile entry={entry} now={serverNow(live, now)} />}
      <Tile
        name={m.votesPerSecond}
        value={ops === null ? '–' : f.integer(ops.door.acceptedPerSecond)}
        unit={m.perSecondUnit}
        sub={ops === null ? '' : m.peak(f.integer(ops.door.peakPerSecond))}
      />
      <Tile
        name={m.counted}
        value={entry?.total == null ? '–' : f.integer(entry.total)}
        unit=""
        sub={ops === null ? '' : m.acceptedAtDoor(f.integer(ops.door.accepted))}
        {...(isRebuilt ? { health: 'warning' as const, sub: m.staleRebuild } : {})}
      />
      <Tile
        name={m.countLag}
        {...duration(ops?.lag.tallyMs)}
        sub={ops === null ? '' : m.ledgerLag(text(ops.lag.ledgerMs))}
        health={worst(
          lagHealth(ops?.lag.tallyMs ?? null),
          ledgerLagHealth(ops?.lag.ledgerMs ?? null),
        )}
      />
      <Tile
        name={m.acceptTime}
        {...duration(ops?.door.p99Ms)}
        sub={ops === null ? '' : m.acceptMedian(text(ops.door.p50Ms))}
        health={acceptHealth(ops?.door.p99Ms ?? null)}
      />
      <ProofTile now={serverNow(live, now)} timeZone={entry?.poll.timeZone ?? 'UTC'} />
      <Tile
        name={m.durability}
        value={textOf(m.durabilityName, durability) ?? (durability === '' ? '–' : durability)}
        unit=""
        sub={textOf(m.durabilityText, durability) ?? ''}
        isText
      />
      {age !== null && <p class="stale-mark">{m.ago(text(age))}</p>}
    </section>
  );
}

function StateTile({ entry, now }: { readonly entry: LivePoll; readonly now: number }) {
  const { m, f } = useConsole();
  const clock = pollClock(entry.poll, now);
  const isClock = clock.kind === 'closes' || clock.kind === 'opens';
  const isNear = clock.kind === 'closes' && clock.leftMs < 300_000;
  const note = {
    closes: m.closesIn,
    opens: m.opensIn,
    'open-ended': m.noDeadline,
    closing: m.closingNow,
    final: m.closedFinal,
    'not-open': m.notOpenYet,
  }[clock.kind];
  return (
    <div class="tile tile-state">
      <StateMark state={entry.poll.state} />
      <p class="tile-sub">
        {note}
        {isClock && ` (${f.shortClock(clock.at, entry.poll.timeZone)})`}
      </p>
      {isClock && (
        <p class={`countdown${isNear ? ' is-near' : ''}`} role="timer">
          {f.countdown(clock.leftMs)}
        </p>
      )}
    </div>
  );
}

function ProofTile({ now, timeZone }: { readonly now: number; readonly timeZone: string }) {
  const { m, f, live } = useConsole();
  const proof = live.ops?.consistency ?? null;
  const at = proof?.checkedAt == null ? null : Date.parse(proof.checkedAt);
  const age = at === null ? null : Math.max(0, now - at);
  const health = proof === null ? 'unknown' : consistencyHealth(proof.state, age);
  const names = { consistent: m.proofGood, different: m.proofBad, checking: m.proofChecking };
  const ago = (ms: number) => {
    if (ms < 1_000) return m.justNow;
    const { value, unit } = f.duration(Math.floor(ms / 1000) * 1000);
    return m.ago(`${value.replace(/[.,]0$/, '')} ${unit}`);
  };
  return (
    <Tile
      name={m.proof}
      value={proof === null ? '–' : names[proof.state]}
      unit=""
      isText
      sub={
        proof?.state === 'different' && proof.detail !== null
          ? proof.detail
          : at === null || age === null
            ? m.proofNever
            : m.proofLast(ago(age), f.clock(at, timeZone))
      }
      health={health}
      note={m.proofEqual}
    />
  );
}

interface TileProps {
  readonly name: string;
  readonly value: string;
  readonly unit: string;
  readonly sub: string;
  readonly health?: Health;
  /** Words instead of a number: set smaller. */
  readonly isText?: boolean;
  readonly note?: string;
}

function Tile({ name, value, unit, sub, health, isText, note }: TileProps) {
  return (
    <div class={`tile${health === undefined ? '' : ` health-${health}`}`} title={note}>
      <p class="tile-name">
        {name}
        {health !== undefined && <HealthMark health={health} />}
      </p>
      <p class={isText === true ? 'tile-text' : 'tile-value'}>
        {value}
        {unit !== '' && <span class="unit">{unit}</span>}
      </p>
      <p class="tile-sub">{sub}</p>
    </div>
  );
}

/** The light: a symbol and a word, so that it does not depend on red and green. */
export function HealthMark({ health }: { readonly health: Health }): ComponentChildren {
  const { m } = useConsole();
  return (
    <span class={`light light-${health}`}>
      <Icon name={health} />
      <span class="sr-only">{m.health[health]}</span>
    </span>
  );
}

function worst(a: Health, b: Health): Health {
  const order: readonly Health[] = ['unknown', 'good', 'warning', 'bad'];
  return order.indexOf(a) > order.indexOf(b) ? a : b;
}
