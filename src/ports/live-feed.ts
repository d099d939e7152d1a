/** The live feed: the newest counts of each scope, from whoever counts to whoever shows. */
export interface TallyFrame {
  readonly scope: string;
  /** Counted votes an item, lane `valid`, voids taken off. */
  readonly items: ReadonlyMap<string, number>;
  /** Counted votes an item in the lane `flagged`. */
  readonly flagged: ReadonlyMap<string, number>;
  /** Sum over partitions of the tally's next offsets: never goes backwards. */
  readonly version: number;
  /** When these counts were read, ms since the Unix epoch. */
  readonly asOf: number;
  /** Whether the tally is known to be behind what was already shown or logged at start. */
  readonly stale: boolean;
}

export interface LiveFeed {
  /** Delivers the frame to every subscriber, newest wins: a slow one may miss frames, never order. */
  publish(frame: TallyFrame): void;
  /** Calls back with the newest frame of each scope known now, then with every later one. */
  subscribe(listener: (frame: TallyFrame) => void): Disposable;
}
