/** The live feed: the newest counts of each scope, from whoever counts to whoever shows. */
import type { MinuteTotal } from '../domain/counting/step-totals.ts';

export interface TallyFrame {
  readonly scope: string;
  /** Counted votes an item, lane `valid`, voids taken off. */
  readonly items: ReadonlyMap<string, number>;
  /** Counted votes an item in the lane `flagged`. */
  readonly flagged: ReadonlyMap<string, number>;
  /**
   * The counts of every item, lane and minute that changed since the scope's previous frame (in the
   * first frame that a subscriber gets: of all minutes). Absolute, not increments.
   */
  readonly minutes: readonly MinuteTotal[];
  /** Sum over partitions of the tally's next offsets: never goes backwards. */
  readonly version: number;
  /** When these counts were read, ms since the Unix epoch. */
  readonly asOf: number;
  /** The longest time from acceptance to count among the events of the newest step, ms. */
  readonly lagMs: number;
  /** Whether the tally is known to be behind what was already shown or logged at start. */
  readonly stale: boolean;
}

export interface LiveFeed {
  /** Delivers the frame to every subscriber, in order and without leaving one out. */
  publish(frame: TallyFrame): void;
  /** Calls back with the whole of each scope known now, then with every later frame. */
  subscribe(listener: (frame: TallyFrame) => void): Disposable;
}
