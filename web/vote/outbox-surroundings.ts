/** All that the outbox needs of the world, so that a test can be the world. */
import type { OutboxStore } from './outbox-store.ts';
import type { ServerClock } from './server-clock.ts';
import type { VoteDoor } from './vote-door.ts';

export type OutboxSurroundings = {
  readonly store: OutboxStore;
  readonly door: VoteDoor;
  readonly clock: ServerClock;
  /** When the poll stops taking votes as far as is known now: ms in server time, null for no end. */
  readonly closesAt: () => number | null;
  /** False when the device knows that it has no network. */
  readonly isOnline: () => boolean;
  readonly makeKey: (serverTimeMs: number) => string;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Runs `work` after `delayMs`; the returned function cancels it. */
  readonly startTimer: (delayMs: number, work: () => void) => () => void;
  /** Runs `work` unless another tab is at it now; says whether it ran. */
  readonly exclusively: (work: () => Promise<void>) => Promise<boolean>;
  /** Called after every change of what `view` shows. */
  readonly onChange: () => void;
  /** Called with the token that opens the results to those who have voted. */
  readonly onResultsToken: (token: string) => void;
};
