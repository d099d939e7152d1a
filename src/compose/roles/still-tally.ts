/** Sees a tally that nobody moves: behind the log, and standing. Its counts are true, but they are not the newest. */
import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';

/** Longer than a worker's death takes to be noticed by its group would hide it; a round is far shorter. */
const STILL_MS = 5_000;

export interface StillTallyDeps {
  readonly log: Pick<EventLog, 'bounds'>;
  readonly partitions: number;
  readonly clock: Clock;
}

export class StillTally {
  readonly #deps: StillTallyDeps;
  #version = 0;
  #movedAt: number;

  constructor(deps: StillTallyDeps) {
    this.#deps = deps;
    this.#movedAt = deps.clock.monotonic();
  }

  get isStill(): boolean {
    return this.#deps.clock.monotonic() - this.#movedAt >= STILL_MS;
  }

  /**
   * Holds the tally's version (the sum of its next offsets) against where the log ends. @throws whatever
   * the log throws: then nothing is known to have moved.
   */
  async look(version: number): Promise<void> {
    const { log, partitions, clock } = this.#deps;
    const bounds = await Promise.all(
      Array.from({ length: partitions }, (_, partition) => log.bounds(partition)),
    );
    const end = bounds.reduce((sum, bound) => sum + bound.end, 0);
    if (version !== this.#version || version >= end) this.#movedAt = clock.monotonic();
    this.#version = version;
  }
}
