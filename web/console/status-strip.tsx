/** The strip that is always in sight: is it open, is it fast, is it right. */
import type { ComponentChildren } from 'preact';
import { textOf, useConsole } from './console-context.ts';
import type { Formats } from './format.ts';
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
import type { Messages } from './messages-pt-br.ts';
import { type PollClock, pollClock } from './poll-clock.ts';
import { StateMark } from './state-mark.tsx';
import { useNow } from './use-now.ts';

/** From here on the countdown asks for attention. */
const NEAR_MS = 300_000;

interface StatusStripProps {
  readonly entry: LivePoll | null;
  /** Of the clock times; the poll's own where there is one. */
  readonly timeZone: string;
}

export function StatusStrip({ entry, timeZone }: StatusStripProps) {
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
        unit="/s"
        sub={ops === null ? '' : m.peak(f.integer(ops.door.peakPerSecond))}
      />
      {entry !== null && (
        <Tile
          name={m.counted}
          value={entry.total === null ? '–' : f.integer(entry.total)}
          unit=""
          sub={ops === null ? '' : m.acceptedAtDoor(f.integer(ops.door.accepted))}
          note={m.acceptedAtDoorNote}
          {...(isRebuilt ? { health: 'warning' as const, sub: m.staleRebuild } : {})}
        />
      )}
      <Tile
        name={m.countLag}
        note={m.countLagNote}
        {...duration(ops?.lag.tallyMs)}
        sub={ops === null ? '' : m.ledgerLag(text(ops.lag.ledgerMs))}
        health={worst(
          lagHealth(ops?.lag.tallyMs ?? null),
          ledgerLagHealth(ops?.lag.ledgerMs ?? null),
        )}
      />
      <Tile
        name={m.acceptTime}
        note={m.acceptTimeNote}
        {...duration(ops?.door.p99Ms)}
        sub={ops === null ? '' : m.acceptMedian(text(ops.door.p50Ms))}
        health={acceptHealth(ops?.door.p99Ms ?? null)}
      />
      <ProofTile now={serverNow(live, now)} timeZone={timeZone} />
      <Tile
        name={m.durability}
        value={textOf(m.durabilityName, durability) ?? (durability === '' ? '–' : durability)}
        unit=""
        sub={textOf(m.durabilityText, durability) ?? ''}
        isText
      />
      {age !== null && <p class="stale-mark">{m.ago(f.age(age))}</p>}
    </section>
  );
}

function StateTile({ entry, now }: { readonly entry: LivePoll; readonly now: number }) {
  const { m, f } = useConsole();
  const clock = pollClock(entry.poll, now);
  const isNear = clock.kind === 'closes' && clock.leftMs < NEAR_MS;
  const { timeZone } = entry.poll;
  return (
    <div class="tile tile-state">
      <StateMark state={entry.poll.state} />
      <p class="tile-sub">{noteOf(clock, timeZone, m, f)}</p>
      {(clock.kind === 'closes' || clock.kind === 'opens') && (
        <p class={`countdown${isNear ? ' is-near' : ''}`} role="timer">
          {f.countdown(clock.leftMs)}
        </p>
      )}
    </div>
  );
}

function noteOf(clock: PollClock, timeZone: string, m: Messages, f: Formats): string {
  switch (clock.kind) {
    case 'closes':
      return m.closesAt(f.shortClock(clock.at, timeZone));
    case 'opens':
      return m.opensAt(f.moment(clock.at, timeZone));
    case 'open-ended':
      return m.noDeadline;
    case 'closing':
      return m.closingNow;
    case 'final':
      return m.closedFinal;
    case 'not-open':
      return m.notOpenYet;
  }
}

function ProofTile({ now, timeZone }: { readonly now: number; readonly timeZone: string }) {
  const { m, f, live } = useConsole();
  const proof = live.ops?.consistency ?? null;
  const at = proof?.checkedAt == null ? null : Date.parse(proof.checkedAt);
  const age = at === null ? null : Math.max(0, now - at);
  const health = proof === null ? 'unknown' : consistencyHealth(proof.state, age);
  const names = { consistent: m.proofGood, different: m.proofBad, checking: m.proofChecking };
  const ago = (ms: number) => (ms < 1_000 ? m.justNow : m.ago(f.age(ms)));
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

/** One figure of a strip. */
export function Tile({ name, value, unit, sub, health, isText, note }: TileProps) {
  return (
    <div class={`tile${health === undefined ? '' : ` health-${health}`}`} title={note}>
      <p class="tile-name">
        <span>{name}</span>
        {health !== undefined && <HealthMark health={health} />}
      </p>
      <p class={isText === true ? 'tile-text' : 'tile-value'}>
        {value}
        {unit !== '' && <span class="unit">{unit}</span>}
      </p>
      <p class="tile-sub" title={sub}>
        {sub}
      </p>
    </div>
  );
}

/** The light: a symbol and a word, so that it does not depend on red and green. */
function HealthMark({ health }: { readonly health: Health }): ComponentChildren {
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
