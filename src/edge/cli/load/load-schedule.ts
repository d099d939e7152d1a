/** When each item of a run (a vote, a pulse) is due: an open loop, fixed before the first answer comes. */
export interface ScheduleSettings {
  /** Instant of the first item, ms of the run's monotonic clock. */
  readonly startAt: number;
  readonly ratePerSecond: number;
  readonly durationMs: number;
}

export class LoadSchedule {
  readonly total: number;
  readonly #startAt: number;
  readonly #intervalMs: number;

  constructor({ startAt, ratePerSecond, durationMs }: ScheduleSettings) {
    this.total = Math.max(1, Math.round((ratePerSecond * durationMs) / 1_000));
    this.#startAt = startAt;
    this.#intervalMs = 1_000 / ratePerSecond;
  }

  /** The instant at which item `index` (0 … total-1) is due. */
  dueAt(index: number): number {
    return this.#startAt + index * this.#intervalMs;
  }

  /** How many items are due at `now`: those with `dueAt <= now`. */
  dueBy(now: number): number {
    const estimate = Math.floor((now - this.#startAt) / this.#intervalMs) + 1;
    let due = Math.min(this.total, Math.max(0, estimate));
    // The division rounds: settle the last item by the same sum that dueAt uses.
    while (due > 0 && this.dueAt(due - 1) > now) due -= 1;
    while (due < this.total && this.dueAt(due) <= now) due += 1;
    return due;
  }
}
