/** What in the overview asks for somebody: things that wait too long, and what only people can decide. */
import type { Overview } from './metering.ts';
import {
  lettersOf,
  type Sample,
  sumOver,
  WAITINGS,
  type Waiting,
  waitedMs,
  waitingIn,
} from './pulse-rate.ts';

export type Level = 'warning' | 'bad';

export interface Alarm {
  readonly kind: Waiting | 'letters' | 'conflicts';
  readonly level: Level;
  readonly count: number;
  /** For how long, as far as this page has seen it; 0 where time says nothing. */
  readonly forMs: number;
}

/** Work comes in bursts: what waits for less is on its way. */
export const PATIENCE_MS = 60_000;
const BAD_MS = 240_000;

/** The worst first. */
export function alarmsOf(overview: Overview, samples: readonly Sample[]): readonly Alarm[] {
  const waiting = waitingIn(overview);
  const alarms: Alarm[] = WAITINGS.flatMap((kind) => {
    const forMs = waitedMs(samples, kind);
    if (forMs < PATIENCE_MS) return [];
    return [{ kind, level: forMs < BAD_MS ? 'warning' : 'bad', count: waiting[kind], forMs }];
  });
  const letters = lettersOf(overview);
  if (letters > 0) alarms.push({ kind: 'letters', level: 'warning', count: letters, forMs: 0 });
  const conflicts = sumOver(overview, ({ books }) => books.conflicts);
  if (conflicts > 0) {
    alarms.push({ kind: 'conflicts', level: 'warning', count: conflicts, forMs: 0 });
  }
  return alarms.sort((a, b) => Number(b.level === 'bad') - Number(a.level === 'bad'));
}
