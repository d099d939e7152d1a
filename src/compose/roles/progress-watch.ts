/** Sees a worker that is behind the log and does not move: such a one is alive, but not ready. */
import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { repeat } from '../event-loop.ts';

const LOOK_MS = 2_000;
/** Longer than a take-over reads the dedup window again on a busy log. */
const STILL_MS = 30_000;

interface Place {
  next: number;
  end: number;
  /** Monotonic ms; when it last moved, or was last seen at the log's end. */
  movedAt: number;
}

export class ProgressWatch {
  readonly #log: Pick<EventLog, 'bounds'>;
  readonly #clock: Clock;
  readonly #places = new Map<number, Place>();

  constructor({ log, clock }: { log: Pick<EventLog, 'bounds'>; clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Takes in where partitions stand. */
  saw(places: readonly (readonly [partition: number, next: number])[]): void {
    const now = this.#clock.monotonic();
    for (const [partition, next] of places) {
      const place = this.#places.get(partition);
      if (place === undefined) this.#places.set(partition, { next, end: next, movedAt: now });
      else if (place.next !== next) Object.assign(place, { next, movedAt: now });
    }
  }

  /** The next offset of a partition as it was last seen; 0 before that. */
  next(partition: number): number {
    return this.#places.get(partition)?.next ?? 0;
  }

  /** The partitions among `owned` that are behind and have not moved for STILL_MS. */
  still(owned: ReadonlySet<number>): number[] {
    const now = this.#clock.monotonic();
    return [...owned].filter((partition) => {
      const place = this.#places.get(partition);
      return place !== undefined && place.next < place.end && now - place.movedAt > STILL_MS;
    });
  }

  /** Asks the log now and then where it ends, until the result is called. */
  start(onFailure: (error: unknown) => void): () => Promise<void> {
    return repeat(LOOK_MS, () => this.look(), onFailure);
  }

  async look(): Promise<void> {
    for (const [partition, place] of this.#places) {
      const { end } = await this.#log.bounds(partition);
      if (place.next >= end) place.movedAt = this.#clock.monotonic();
      place.end = end;
    }
  }
}
