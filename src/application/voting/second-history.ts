/** Votes counted in each of the last seconds of one poll: what a live curve starts from. */
import type { Votes } from '../../domain/voting/results.ts';

export const SECOND_MS = 1_000;
export const SECONDS_KEPT = 300;

/** What was counted in the second that starts at `at`, ms since the Unix epoch. */
export interface CountedSecond {
  readonly at: number;
  /** By option id; options without votes are left out. */
  readonly votes: Readonly<Record<string, number>>;
}

/** Consecutive seconds from `from` on; each option's list has one number a second. */
export interface CountedSeconds {
  readonly from: number;
  readonly votes: Readonly<Record<string, readonly number[]>>;
}

/**
 * A ring of seconds over totals that are seen now and then: what a total has grown by belongs to the
 * second in which it was seen. Votes that are taken off again change no second that has passed.
 */
export class SecondHistory {
  /** By option: the counts of second number `s` at `s % SECONDS_KEPT`. */
  readonly #rings = new Map<string, Float64Array>();
  #totals: Votes | null;
  /** Number of the newest second that anything was written for; older slots than the ring are gone. */
  #newest: number | null = null;
  /** Seconds before this one were handed out by `takeCompleted`. */
  #taken = 0;

  /** `baseline`: the totals that were there before; null where the first ones seen are. */
  constructor(baseline: Votes | null) {
    this.#totals = baseline;
  }

  /** Takes in the totals as they are at `now`. A clock that goes back counts into the newest second. */
  observe(votes: Votes, now: number): void {
    const before = this.#totals;
    this.#totals = votes;
    if (before === null) return;
    for (const [option, total] of votes) {
      const grown = total - (before.get(option) ?? 0);
      if (grown > 0) this.#add(option, grown, now);
    }
  }

  /** Seconds with votes that have ended by `now` and were not taken before, in their order. */
  takeCompleted(now: number): readonly CountedSecond[] {
    const end = Math.floor(now / SECOND_MS);
    const newest = this.#newest;
    if (newest === null || newest < this.#taken) return [];
    const completed: CountedSecond[] = [];
    const first = Math.max(this.#taken, newest - SECONDS_KEPT + 1);
    for (let second = first; second <= newest && second < end; second += 1) {
      const votes = this.#votesOf(second);
      if (Object.keys(votes).length > 0) completed.push({ at: second * SECOND_MS, votes });
      this.#taken = second + 1;
    }
    return completed;
  }

  /** When the newest second with votes ends, if it has not been taken yet; null else. */
  completesAt(): number | null {
    const newest = this.#newest;
    return newest === null || newest < this.#taken ? null : (newest + 1) * SECOND_MS;
  }

  /** The last SECONDS_KEPT seconds before the one of `now`; null where none of them has votes. */
  seconds(now: number): CountedSeconds | null {
    const end = Math.floor(now / SECOND_MS);
    const start = end - SECONDS_KEPT;
    const newest = this.#newest;
    if (newest === null || newest < start) return null;
    const from = Math.max(start, newest - SECONDS_KEPT + 1);
    const votes: Record<string, readonly number[]> = {};
    for (const [option, ring] of this.#rings) {
      const counts = Array.from({ length: end - from }, (_, index) => {
        const second = from + index;
        return second <= newest ? (ring[second % SECONDS_KEPT] ?? 0) : 0;
      });
      if (counts.some((count) => count > 0)) votes[option] = counts;
    }
    return Object.keys(votes).length === 0 ? null : { from: from * SECOND_MS, votes };
  }

  #add(option: string, count: number, now: number): void {
    const second = this.#advance(Math.floor(now / SECOND_MS));
    let ring = this.#rings.get(option);
    if (ring === undefined) {
      ring = new Float64Array(SECONDS_KEPT);
      this.#rings.set(option, ring);
    }
    const slot = second % SECONDS_KEPT;
    ring[slot] = (ring[slot] ?? 0) + count;
  }

  /** Makes room for the second and returns the one to write to. */
  #advance(second: number): number {
    const newest = this.#newest;
    // A second that was handed out must not change any more.
    const target = Math.max(second, newest ?? second, this.#taken);
    if (newest !== null && target > newest) {
      const gap = Math.min(target - newest, SECONDS_KEPT);
      for (const ring of this.#rings.values()) {
        for (let step = 0; step < gap; step += 1) ring[(target - step) % SECONDS_KEPT] = 0;
      }
    }
    this.#newest = target;
    return target;
  }

  #votesOf(second: number): Record<string, number> {
    const votes: Record<string, number> = {};
    for (const [option, ring] of this.#rings) {
      const count = ring[second % SECONDS_KEPT] ?? 0;
      if (count > 0) votes[option] = count;
    }
    return votes;
  }
}
