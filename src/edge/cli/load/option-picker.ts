/** Which option each vote of a run goes to: the same for the same seed, and as uneven as real polls. */

/** Zipf weights: option `n` is picked in proportion to `1 / (n + 1) ^ skew`; 0 is even. */
export class OptionPicker {
  readonly #bounds: Float64Array;
  #state: number;

  constructor(options: number, skew: number, seed: number) {
    const weights = Float64Array.from({ length: options }, (_, n) => 1 / (n + 1) ** skew);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    let reached = 0;
    this.#bounds = weights.map((weight) => {
      reached += weight / sum;
      return reached;
    });
    this.#state = seed >>> 0;
  }

  /** The next option's index. */
  next(): number {
    const drawn = this.#draw();
    const last = this.#bounds.length - 1;
    let index = 0;
    while (index < last && drawn >= (this.#bounds[index] as number)) index += 1;
    return index;
  }

  /** Mulberry32: 32 bits of state, even enough to pick options with. In [0, 1). */
  #draw(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }
}
