/**
 * The dedup window: the exact set of ids that a partition has seen and that may still come again.
 *
 * Ids lie in spans of id time of 8.192 s, each an open-addressed table of 12-byte slots: the span gives
 * the upper bits of an id's time, the slot its lower 13 bits and the 80 mixed bits, so a slot is the
 * whole id and no two ids are ever taken for one. Leaving the window drops whole tables. At most ⅘ full
 * and doubled when they get there, the tables take 15 to 30 bytes an id.
 */
const SPAN_BITS = 13;
const SPAN_MS = 1 << SPAN_BITS;
const SLOT_WORDS = 3;
const SLOTS_MIN = 64;
const LOAD_MAX = 0.8;

class Span {
  #slots: number;
  #mask: number;
  #words: Uint32Array;
  #used = 0;
  readonly #seed: number;
  /** The one id whose slot would look empty: all 93 bits zero. */
  #zeroSeen = false;

  constructor(expected: number, seed: number) {
    let slots = SLOTS_MIN;
    while (slots * LOAD_MAX < expected) slots *= 2;
    this.#slots = slots;
    this.#mask = slots - 1;
    this.#words = new Uint32Array(slots * SLOT_WORDS);
    this.#seed = seed;
  }

  get size(): number {
    return this.#used + (this.#zeroSeen ? 1 : 0);
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  /** True where the id was not here yet; it is now. `w` holds the time's 13 bits above the 16 of z. */
  add(x: number, y: number, w: number): boolean {
    if ((x | y | w) === 0) {
      const fresh = !this.#zeroSeen;
      this.#zeroSeen = true;
      return fresh;
    }
    const words = this.#words;
    let slot = this.#home(x, y);
    for (;;) {
      const at = slot * SLOT_WORDS;
      const wx = words[at] as number;
      const wy = words[at + 1] as number;
      const ww = words[at + 2] as number;
      if (wx === x && wy === y && ww === w) return false;
      if ((wx | wy | ww) === 0) {
        words[at] = x;
        words[at + 1] = y;
        words[at + 2] = w;
        this.#used += 1;
        if (this.#used > this.#slots * LOAD_MAX) this.#grow();
        return true;
      }
      slot = (slot + 1) & this.#mask;
    }
  }

  has(x: number, y: number, w: number): boolean {
    if ((x | y | w) === 0) return this.#zeroSeen;
    const words = this.#words;
    let slot = this.#home(x, y);
    for (;;) {
      const at = slot * SLOT_WORDS;
      const wx = words[at] as number;
      const wy = words[at + 1] as number;
      const ww = words[at + 2] as number;
      if (wx === x && wy === y && ww === w) return true;
      if ((wx | wy | ww) === 0) return false;
      slot = (slot + 1) & this.#mask;
    }
  }

  /** Seeded, so that a client that picks its ids can't pile them onto one slot. */
  #home(x: number, y: number): number {
    let hash = Math.imul(x ^ this.#seed, 0x9e3779b1) ^ y;
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca77);
    return (hash ^ (hash >>> 13)) & this.#mask;
  }

  #grow(): void {
    const old = this.#words;
    this.#slots *= 2;
    this.#mask = this.#slots - 1;
    const words = new Uint32Array(this.#slots * SLOT_WORDS);
    for (let from = 0; from < old.length; from += SLOT_WORDS) {
      const x = old[from] as number;
      const y = old[from + 1] as number;
      const w = old[from + 2] as number;
      if ((x | y | w) === 0) continue;
      let slot = this.#home(x, y);
      while (
        ((words[slot * 3] as number) |
          (words[slot * 3 + 1] as number) |
          (words[slot * 3 + 2] as number)) !==
        0
      ) {
        slot = (slot + 1) & this.#mask;
      }
      words[slot * 3] = x;
      words[slot * 3 + 1] = y;
      words[slot * 3 + 2] = w;
    }
    this.#words = words;
  }
}

export class DedupWindow {
  readonly #spans = new Map<number, Span>();
  readonly #seed: number;
  #last: Span | null = null;
  #lastNumber = -1;

  /** `seed`: any 32 bits that clients do not know. It decides nothing but where ids lie in memory. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Ids held. */
  get size(): number {
    let size = 0;
    for (const span of this.#spans.values()) size += span.size;
    return size;
  }

  /** Bytes of the tables. */
  get bytes(): number {
    let bytes = 0;
    for (const span of this.#spans.values()) bytes += span.bytes;
    return bytes;
  }

  /** True where the id was not in the window yet; it is from now on. `time` in ms, `x y z` as IdWords. */
  add(time: number, x: number, y: number, z: number): boolean {
    const number = Math.floor(time / SPAN_MS);
    const span =
      number === this.#lastNumber && this.#last !== null ? this.#last : this.#span(number);
    return span.add(x, y, ((time - number * SPAN_MS) << 16) | z);
  }

  /** Whether the id is in the window; changes nothing. */
  has(time: number, x: number, y: number, z: number): boolean {
    const number = Math.floor(time / SPAN_MS);
    const w = ((time - number * SPAN_MS) << 16) | z;
    return this.#spans.get(number)?.has(x, y, w) ?? false;
  }

  #span(number: number): Span {
    let span = this.#spans.get(number);
    if (span === undefined) {
      // A steady stream fills the next span as full as the last: no growth on the way. Growing took a
      // quarter of the tally's time.
      span = new Span(this.#last === null ? 0 : this.#last.size, this.#seed);
      this.#spans.set(number, span);
    }
    this.#last = span;
    this.#lastNumber = number;
    return span;
  }

  /** Drops the ids whose time lies before `time`, as far as whole spans allow: some stay a little longer. */
  dropBefore(time: number): void {
    const first = Math.floor(time / SPAN_MS);
    for (const number of this.#spans.keys()) {
      if (number < first) this.#spans.delete(number);
    }
    if (this.#lastNumber < first) {
      this.#last = null;
      this.#lastNumber = -1;
    }
  }
}
