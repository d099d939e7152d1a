/** Chance that can be had again: a test prints its seed, and SEED=<that> repeats its choices. */
import { randomInt } from 'node:crypto';

export class SeededRandom {
  readonly seed: number;
  #state: number;

  /** `seed`: 32 bits; default: the environment's SEED, else drawn anew. */
  constructor(seed: number = Number(process.env.SEED ?? randomInt(2 ** 32))) {
    this.seed = seed >>> 0;
    this.#state = this.seed;
  }

  /** In [0, 1), by mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** In [from, to). */
  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  /** A whole number in [0, count). */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  shuffled<T>(items: readonly T[]): T[] {
    const drawn = items.map((item) => ({ item, at: this.next() }));
    return drawn.sort((a, b) => a.at - b.at).map(({ item }) => item);
  }
}
