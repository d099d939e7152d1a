/** Adds pulses up: from columns to usage windows, each key once. */
import type { PulseColumns } from './pulse-columns.ts';
import { PULSE_KEY_BYTES, pulseKeyAt } from './pulse-identity.ts';
import { USAGE_WINDOW_MS, type UsageWindow } from './usage.ts';

const KEY_WORDS = PULSE_KEY_BYTES / 4;
/** Above the number of any usage window up to the year 9999. */
const WINDOWS = 2 ** 29;

/**
 * What the pulses come to, in the order in which their windows are met. `counts` holds a byte a pulse, 0
 * where it does not count; without it all do. Of those with one key the first counts alone.
 */
export function foldUsage(columns: PulseColumns, counts: Uint8Array | null = null): UsageWindow[] {
  const { count, seriesIndex, amounts, occurredAt } = columns;
  const keys = new KeysMet(columns);
  const windows = new WindowsUnderWay(columns);
  for (let index = 0; index < count; index += 1) {
    if (counts !== null && counts[index] === 0) continue;
    if (!keys.isFirst(index)) continue;
    windows.add(
      index,
      seriesIndex[index] as number,
      amounts[index] as bigint,
      occurredAt[index] as number,
    );
  }
  return windows.finish();
}

/** The keys of a column as words, wherever it lies in memory. */
function wordsOf({ keys, count }: PulseColumns): Int32Array {
  const aligned = keys.byteOffset % 4 === 0 ? keys : new Uint8Array(keys);
  return new Int32Array(aligned.buffer, aligned.byteOffset, count * KEY_WORDS);
}

/** An open hash table of the pulses whose keys were met; the keys are hashes already. */
class KeysMet {
  readonly #words: Int32Array;
  /** 0: free; else the index of a pulse + 1. */
  readonly #slots: Uint32Array;

  constructor(columns: PulseColumns) {
    this.#words = wordsOf(columns);
    let slots = 16;
    while (slots < columns.count * 2) slots *= 2;
    this.#slots = new Uint32Array(slots);
  }

  /** Whether no pulse with the key of this one was met before it. */
  isFirst(index: number): boolean {
    const words = this.#words;
    const slots = this.#slots;
    const mask = slots.length - 1;
    const at = index * KEY_WORDS;
    let slot = (words[at] as number) & mask;
    for (;;) {
      const taken = slots[slot] as number;
      if (taken === 0) {
        slots[slot] = index + 1;
        return true;
      }
      const other = (taken - 1) * KEY_WORDS;
      if (
        words[other] === words[at] &&
        words[other + 1] === words[at + 1] &&
        words[other + 2] === words[at + 2] &&
        words[other + 3] === words[at + 3]
      ) {
        return false;
      }
      slot = (slot + 1) & mask;
    }
  }
}

class WindowsUnderWay {
  readonly #columns: PulseColumns;
  /** Number of a window, from 0 in the order in which they are met, by series and place in time. */
  readonly #numbers = new Map<number, number>();
  /** Of each series the window that it met last, and its number: pulses mostly come in order. */
  readonly #latest: Float64Array;
  readonly #latestNumber: Uint32Array;
  readonly #series: number[] = [];
  readonly #starts: number[] = [];
  readonly #sums: bigint[] = [];
  readonly #counts: number[] = [];
  readonly #mins: bigint[] = [];
  readonly #maxs: bigint[] = [];
  /** Index of the pulse with the greatest (occurredAt, key). */
  readonly #last: number[] = [];

  constructor(columns: PulseColumns) {
    this.#columns = columns;
    this.#latest = new Float64Array(columns.series.length).fill(-1);
    this.#latestNumber = new Uint32Array(columns.series.length);
  }

  add(index: number, series: number, amount: bigint, occurredAt: number): void {
    const place = Math.floor(occurredAt / USAGE_WINDOW_MS);
    const number =
      this.#latest[series] === place
        ? (this.#latestNumber[series] as number)
        : this.#numberOf(index, series, place, amount);
    this.#sums[number] = (this.#sums[number] as bigint) + amount;
    this.#counts[number] = (this.#counts[number] as number) + 1;
    if (amount < (this.#mins[number] as bigint)) this.#mins[number] = amount;
    if (amount > (this.#maxs[number] as bigint)) this.#maxs[number] = amount;
    if (this.#isLater(index, occurredAt, this.#last[number] as number)) this.#last[number] = index;
  }

  finish(): UsageWindow[] {
    const { series, amounts, occurredAt, keys } = this.#columns;
    return this.#series.map((seriesIndex, number) => {
      const last = this.#last[number] as number;
      return {
        series: series[seriesIndex] as UsageWindow['series'],
        start: this.#starts[number] as number,
        sum: this.#sums[number] as bigint,
        count: this.#counts[number] as number,
        min: this.#mins[number] as bigint,
        max: this.#maxs[number] as bigint,
        last: amounts[last] as bigint,
        lastAt: occurredAt[last] as number,
        lastKey: pulseKeyAt(keys, last),
      };
    });
  }

  #numberOf(index: number, series: number, place: number, amount: bigint): number {
    const key = series * WINDOWS + place;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(key, number);
      this.#series.push(series);
      this.#starts.push(place * USAGE_WINDOW_MS);
      this.#sums.push(0n);
      this.#counts.push(0);
      this.#mins.push(amount);
      this.#maxs.push(amount);
      this.#last.push(index);
    }
    this.#latest[series] = place;
    this.#latestNumber[series] = number;
    return number;
  }

  #isLater(index: number, occurredAt: number, other: number): boolean {
    const otherAt = this.#columns.occurredAt[other] as number;
    if (occurredAt !== otherAt) return occurredAt > otherAt;
    const { keys } = this.#columns;
    for (let byte = 0; byte < PULSE_KEY_BYTES; byte += 1) {
      const mine = keys[index * PULSE_KEY_BYTES + byte] as number;
      const theirs = keys[other * PULSE_KEY_BYTES + byte] as number;
      if (mine !== theirs) return mine > theirs;
    }
    return false;
  }
}
