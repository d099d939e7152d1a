/** Latencies in fixed memory: any number of values, percentiles within 1%, mergeable. */

// A bucket is a float's exponent and the first 7 bits of its mantissa, so it is at most 1/128 of
// its lower bound wide and its middle lies within 0.4% of every value in it.
const MANTISSA_BITS = 7;
/** 2^-10 ms: about a microsecond. Smaller values share one bucket. */
const SMALLEST_EXPONENT = -10;
/** 2^27 ms: about 37 hours. Larger values share the last bucket. */
const LARGEST_EXPONENT = 27;
const EXPONENT_BIAS = 1023;
const HIGH_WORD_SHIFT = 20 - MANTISSA_BITS;
const FIRST_INDEX = (SMALLEST_EXPONENT + EXPONENT_BIAS) << MANTISSA_BITS;
const BUCKETS = ((LARGEST_EXPONENT - SMALLEST_EXPONENT) << MANTISSA_BITS) + 1;
const RANGE_MAX_MS = 2 ** LARGEST_EXPONENT;

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
const HIGH_WORD = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

export class Histogram {
  readonly #buckets = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;

  /**
   * Adds one value. Allocates nothing. Below 0 and NaN count as 0; above 2^27 ms as 2^27 ms.
   */
  record(valueMs: number): void {
    const value = valueMs > 0 ? Math.min(valueMs, RANGE_MAX_MS) : 0;
    const index = bucketOf(value);
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.#count += 1;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /**
   * The value that `p` percent (0–100) of the values do not exceed (nearest rank), within 1% or
   * 1 µs, whichever is more. Exact at 0 and 100. 0 when nothing was recorded.
   */
  percentile(p: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.min(this.#count, Math.max(1, Math.ceil((p / 100) * this.#count)));
    if (rank === this.#count) return this.#max;
    if (rank === 1) return this.#min;
    let seen = 0;
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.#buckets[index] ?? 0;
      if (seen >= rank) return Math.min(this.#max, Math.max(this.#min, middleOf(index)));
    }
    return this.#max;
  }

  get count(): number {
    return this.#count;
  }

  /** ms; 0 when nothing was recorded. */
  get max(): number {
    return this.#max;
  }

  /** ms; 0 when nothing was recorded. */
  get min(): number {
    return this.#count === 0 ? 0 : this.#min;
  }

  /** ms, exact up to rounding; 0 when nothing was recorded. */
  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** Adds all values of `other`, as if they had been recorded here. */
  merge(other: Histogram): void {
    for (let index = 0; index < BUCKETS; index++) {
      const added = other.#buckets[index] ?? 0;
      if (added > 0) this.#buckets[index] = (this.#buckets[index] ?? 0) + added;
    }
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  /** Forgets every value. */
  reset(): void {
    this.#buckets.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#min = Number.POSITIVE_INFINITY;
    this.#max = 0;
  }
}

function bucketOf(value: number): number {
  float[0] = value;
  return Math.max(0, ((words[HIGH_WORD] ?? 0) >>> HIGH_WORD_SHIFT) - FIRST_INDEX);
}

function middleOf(index: number): number {
  if (index === 0) return 0;
  const lower = lowerBound(index);
  return lower + (lowerBound(index + 1) - lower) / 2;
}

function lowerBound(index: number): number {
  float[0] = 0;
  words[HIGH_WORD] = (index + FIRST_INDEX) << HIGH_WORD_SHIFT;
  return float[0] ?? 0;
}
