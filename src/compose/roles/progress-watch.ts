/** Sees a worker that is behind the log and does not move: such a one is alive, but not ready, and says so. */
import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { repeat } from '../event-loop.ts';

const LOOK_MS = 2_000;
/** Longer than a take-over reads the dedup window again on a busy log. */
const STILL_MS = 30_000;
/** From one word about a partition that stands still to the next, ms. */
const TOLD_AGAIN_MS = 60_000;

/** A partition that is behind the log and has not moved. */
export interface Standstill {
  readonly partition: number;
  /** Null where the worker has not yet come to know where its store stands. */
  readonly next: number | null;
  readonly end: number;
  readonly stillMs: number;
}

export interface ProgressWatchDeps {
  readonly log: Pick<EventLog, 'bounds'>;
  readonly clock: Clock;
  /** The partitions that the worker has now. */
  readonly owned: () => ReadonlySet<number>;
  /** Told of a standstill as soon as it is one, and then once a TOLD_AGAIN_MS for as long as it lasts. */
  readonly onStill: (still: Standstill) => void;
}

interface Place {
  next: number | null;
  end: number;
  /** Monotonic ms; when it was gained, last moved, or was last seen at the log's end. */
  movedAt: number;
  toldAt: number;
}

export class ProgressWatch {
  readonly #deps: ProgressWatchDeps;
  readonly #places = new Map<number, Place>();

  constructor(deps: ProgressWatchDeps) {
    this.#deps = deps;
  }

  /** Takes in where partitions stand. */
  saw(places: readonly (readonly [partition: number, next: number])[]): void {
    for (const [partition, next] of places) {
      const place = this.#place(partition);
      if (place.next === next) continue;
      place.next = next;
      place.movedAt = this.#deps.clock.monotonic();
    }
  }

  /** The next offset of a partition as it was last seen; 0 before that. */
  next(partition: number): number {
    return this.#places.get(partition)?.next ?? 0;
  }

  /** Which of the worker's partitions are behind and have not moved for STILL_MS. */
  get still(): readonly Standstill[] {
    const now = this.#deps.clock.monotonic();
    return [...this.#deps.owned()].flatMap((partition) => {
      const place = this.#places.get(partition);
      if (place === undefined) return [];
      const { next, end, movedAt } = place;
      const stillMs = now - movedAt;
      return (next ?? 0) < end && stillMs > STILL_MS ? [{ partition, next, end, stillMs }] : [];
    });
  }

  /** Asks the log now and then where it ends, until the result is called. */
  start(onFailure: (error: unknown) => void): () => Promise<void> {
    return repeat(LOOK_MS, () => this.look(), onFailure);
  }

  /** @throws what the log has thrown of the first partition of which it does not say where it ends. */
  async look(): Promise<void> {
    const { log, clock, owned } = this.#deps;
    for (const partition of this.#places.keys()) {
      // Whoever gets it again begins anew.
      if (!owned().has(partition)) this.#places.delete(partition);
    }
    const failures: unknown[] = [];
    for (const partition of owned()) {
      const place = this.#place(partition);
      try {
        place.end = (await log.bounds(partition)).end;
        if ((place.next ?? 0) >= place.end) place.movedAt = clock.monotonic();
      } catch (error) {
        failures.push(error);
      }
    }
    this.#tell();
    if (failures.length > 0) throw failures[0];
  }

  #tell(): void {
    const now = this.#deps.clock.monotonic();
    for (const still of this.still) {
      const place = this.#place(still.partition);
      if (now - place.toldAt < TOLD_AGAIN_MS) continue;
      place.toldAt = now;
      this.#deps.onStill(still);
    }
  }

  #place(partition: number): Place {
    const known = this.#places.get(partition);
    if (known !== undefined) return known;
    const movedAt = this.#deps.clock.monotonic();
    const place = { next: null, end: 0, movedAt, toldAt: Number.NEGATIVE_INFINITY };
    this.#places.set(partition, place);
    return place;
  }
}
