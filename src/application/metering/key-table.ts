/**
 * The keys of many pulses with what each says, in typed arrays: some 50 bytes a key, where a map of texts
 * would take four times as many.
 */
const WORDS = 4;
const CAPACITY_MIN = 1_024;

/**
 * - `new`: nobody had this key before; it is entered.
 * - `same`: known, and its first pulse said the same.
 * - `other`: known, and its first pulse said something else.
 */
export type KeyVerdict = 'new' | 'same' | 'other';

/** 16 bytes a hash, as words, wherever they lie in memory. */
export function hashWords(hashes: Uint8Array): Int32Array {
  return new Int32Array(new Uint8Array(hashes).buffer);
}

/** An open hash table; keys are hashes already. */
export class KeyTable {
  #keys = new Int32Array(CAPACITY_MIN * WORDS);
  #digests = new Int32Array(CAPACITY_MIN * WORDS);
  /** 0: free; else the number of a key + 1. */
  #slots = new Uint32Array(CAPACITY_MIN * 2);
  #count = 0;

  get size(): number {
    return this.#count;
  }

  /** Of the hashes number `index` in the columns of words. */
  judge(keys: Int32Array, digests: Int32Array, index: number): KeyVerdict {
    const at = index * WORDS;
    const slot = this.#slotOf(keys, at);
    const taken = this.#slots[slot] as number;
    if (taken > 0) return isSame(this.#digests, taken - 1, digests, at) ? 'same' : 'other';
    this.#slots[slot] = this.#count + 1;
    this.#keys.set(keys.subarray(at, at + WORDS), this.#count * WORDS);
    this.#digests.set(digests.subarray(at, at + WORDS), this.#count * WORDS);
    this.#count += 1;
    if (this.#count * 2 >= this.#slots.length) this.#grow();
    return 'new';
  }

  /** Where the key is, or goes. */
  #slotOf(keys: Int32Array, at: number): number {
    const mask = this.#slots.length - 1;
    let slot = (keys[at] as number) & mask;
    for (;;) {
      const taken = this.#slots[slot] as number;
      if (taken === 0 || isSame(this.#keys, taken - 1, keys, at)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const [keys, digests] = [this.#keys, this.#digests];
    this.#keys = new Int32Array(keys.length * 2);
    this.#keys.set(keys);
    this.#digests = new Int32Array(digests.length * 2);
    this.#digests.set(digests);
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let number = 0; number < this.#count; number += 1) {
      const mask = this.#slots.length - 1;
      let slot = (this.#keys[number * WORDS] as number) & mask;
      while ((this.#slots[slot] as number) > 0) slot = (slot + 1) & mask;
      this.#slots[slot] = number + 1;
    }
  }
}

function isSame(table: Int32Array, number: number, words: Int32Array, at: number): boolean {
  const from = number * WORDS;
  return (
    table[from] === words[at] &&
    table[from + 1] === words[at + 1] &&
    table[from + 2] === words[at + 2] &&
    table[from + 3] === words[at + 3]
  );
}
