/** Lets stores go of single events by whole days, where the installation is told to keep them for so long only. */
import { DAY_MS } from '../domain/counting/retention.ts';
import type { Clock } from '../ports/clock.ts';
import { repeat } from './event-loop.ts';

/** A day ends once a day; looking more often finds it soon after a restart. */
const LOOK_MS = 10 * 60_000;

export interface RetentionDeps {
  /** How many days are kept; null: all. */
  readonly days: number | null;
  readonly clock: Pick<Clock, 'now'>;
  /** Lets a store go of what is older than the beginning of a UTC day (ms); resolves to how much that was. */
  readonly forget: readonly ((before: number) => Promise<number>)[];
  readonly onForgotten: (events: number) => void;
  readonly onTrouble: (error: unknown) => void;
}

/** Looks at once and then now and then, until the result is called; does nothing where all is kept. */
export function startRetention(deps: RetentionDeps): () => Promise<void> {
  const { days, clock, forget, onForgotten, onTrouble } = deps;
  if (days === null) return async () => {};
  const look = async (): Promise<void> => {
    const before = Math.floor(clock.now() / DAY_MS - days) * DAY_MS;
    for (const letGo of forget) {
      const forgotten = await letGo(before);
      if (forgotten > 0) onForgotten(forgotten);
    }
  };
  const first = look().catch(onTrouble);
  const stop = repeat(LOOK_MS, look, onTrouble);
  return async () => {
    await stop();
    await first;
  };
}
