/**
 * BLAKE2s-256 (RFC 7693), cut to 16 bytes: what pulses are known by for ever, so that nobody may be able
 * to make a pulse that passes for another's. Most of them fit one of its blocks of 64 bytes, which makes
 * it the fastest sound hash that is the same in every runtime. Little-endian machines only.
 */
import { copyBytes } from './copy-bytes.ts';

const BLOCK_BYTES = 64;
const BLOCK_WORDS = BLOCK_BYTES / 4;
export const HASH_BYTES = 16;

const IV = Int32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
);
/** Of the first word: no key, a tree of one node, 32 bytes of output. */
const PARAMETERS = 0x0101_0020;
const STATE_WORDS = 8;
/**
 * Which word of the message goes where: of each round two numbers of eight places, four bits each, the
 * first place lowest. A table of places takes longer: a load more for each of them.
 */
const SIGMA = Int32Array.from(
  [
    ...['01234567', '89abcdef', 'ea489fd6', '1c02b753', 'b8c052fd', 'ae367194', '7931dcbe'],
    ...['265a40f8', '905724af', 'e1bc683d', '2c6a0b83', '4d75fe19', 'c51fed4a', '0763928b'],
    ...['db7ec139', '50f4862a', '6fe9b308', 'c2d714a5', 'a2847615', 'fb9e3cd0'],
  ],
  (places) => Number.parseInt([...places].reverse().join(''), 16),
);

/** Where a hash stands behind whole blocks: it goes on from there any number of times. */
export type HashStand = Int32Array;

/** Before the first block; `(IV[0] ^ PARAMETERS)` as RFC 7693 has it, and no byte yet. */
const START: HashStand = Int32Array.of((IV[0] as number) ^ PARAMETERS, ...IV.subarray(1), 0);

/** Hashes one text of bytes after another: `start` or `goOn`, what goes in, `finish`. */
export class PulseHash {
  readonly #state = new Int32Array(STATE_WORDS);
  readonly #words = new Int32Array(BLOCK_WORDS);
  readonly #block = new Uint8Array(this.#words.buffer);
  readonly #view = new DataView(this.#words.buffer);
  #filled = 0;
  #total = 0;

  start(): void {
    this.goOn(START);
  }

  /** Starts where another hash stood. */
  goOn(stand: HashStand): void {
    // Word by word: `set` costs as much as half of a hash.
    const h = this.#state;
    h[0] = stand[0] as number;
    h[1] = stand[1] as number;
    h[2] = stand[2] as number;
    h[3] = stand[3] as number;
    h[4] = stand[4] as number;
    h[5] = stand[5] as number;
    h[6] = stand[6] as number;
    h[7] = stand[7] as number;
    this.#filled = 0;
    this.#total = stand[STATE_WORDS] as number;
  }

  /** Takes in zeros up to the end of a block, also where it stands at one. Something must follow. */
  pad(): void {
    this.#clear();
    this.#next();
  }

  /** Where it stands, right behind `pad`. */
  stand(): HashStand {
    const stand = new Int32Array(STATE_WORDS + 1);
    stand.set(this.#state);
    stand[STATE_WORDS] = this.#total;
    return stand;
  }

  byte(value: number): void {
    // The last block is known only once nothing follows it.
    if (this.#filled === BLOCK_BYTES) this.#next();
    this.#block[this.#filled] = value;
    this.#filled += 1;
  }

  /** `value`: below 2^32. Behind a multiple of four bytes only. */
  word(value: number): void {
    if (this.#filled === BLOCK_BYTES) this.#next();
    this.#words[this.#filled / 4] = value;
    this.#filled += 4;
  }

  /** Takes in `source[start, end)`; `view` lies over the same bytes. */
  bytes(source: Uint8Array, view: DataView, start: number, end: number): void {
    let at = start;
    for (;;) {
      const part = Math.min(end, at + BLOCK_BYTES - this.#filled);
      this.#filled = copyBytes(source, view, at, part, this.#block, this.#view, this.#filled);
      at = part;
      if (at === end) return;
      this.#next();
    }
  }

  /** Writes HASH_BYTES at `at`. */
  finish(target: DataView, at: number): void {
    this.#total += this.#filled;
    this.#clear();
    this.#compress(-1);
    const h = this.#state;
    target.setInt32(at, h[0] as number, true);
    target.setInt32(at + 4, h[1] as number, true);
    target.setInt32(at + 8, h[2] as number, true);
    target.setInt32(at + 12, h[3] as number, true);
  }

  #next(): void {
    this.#total += BLOCK_BYTES;
    this.#compress(0);
    this.#filled = 0;
  }

  /** Makes the rest of the block zeros. */
  #clear(): void {
    let at = this.#filled;
    for (; at % 4 !== 0; at += 1) this.#block[at] = 0;
    for (let word = at / 4; word < BLOCK_WORDS; word += 1) this.#words[word] = 0;
  }

  /**
   * Longer than functions are here: a word in a variable of its own is what makes it quick, and so is
   * every sum of two cut to 32 bits: a sum of three is one of doubles to the runtime, which takes half as
   * long again.
   */
  #compress(last: number): void {
    const h = this.#state;
    const m = this.#words;
    const s = SIGMA;
    let v0 = h[0] as number;
    let v1 = h[1] as number;
    let v2 = h[2] as number;
    let v3 = h[3] as number;
    let v4 = h[4] as number;
    let v5 = h[5] as number;
    let v6 = h[6] as number;
    let v7 = h[7] as number;
    let v8 = IV[0] as number;
    let v9 = IV[1] as number;
    let v10 = IV[2] as number;
    let v11 = IV[3] as number;
    let v12 = IV[4] as number;
    let v13 = IV[5] as number;
    let v14 = IV[6] as number;
    let v15 = IV[7] as number;
    v12 ^= this.#total;
    v14 ^= last;
    for (let round = 0; round < SIGMA.length; round += 2) {
      const first = s[round] as number;
      const second = s[round + 1] as number;
      v0 = (((v0 + v4) | 0) + (m[first & 15] as number)) | 0;
      v12 ^= v0;
      v12 = (v12 >>> 16) | (v12 << 16);
      v8 = (v8 + v12) | 0;
      v4 ^= v8;
      v4 = (v4 >>> 12) | (v4 << 20);
      v0 = (((v0 + v4) | 0) + (m[(first >>> 4) & 15] as number)) | 0;
      v12 ^= v0;
      v12 = (v12 >>> 8) | (v12 << 24);
      v8 = (v8 + v12) | 0;
      v4 ^= v8;
      v4 = (v4 >>> 7) | (v4 << 25);
      v1 = (((v1 + v5) | 0) + (m[(first >>> 8) & 15] as number)) | 0;
      v13 ^= v1;
      v13 = (v13 >>> 16) | (v13 << 16);
      v9 = (v9 + v13) | 0;
      v5 ^= v9;
      v5 = (v5 >>> 12) | (v5 << 20);
      v1 = (((v1 + v5) | 0) + (m[(first >>> 12) & 15] as number)) | 0;
      v13 ^= v1;
      v13 = (v13 >>> 8) | (v13 << 24);
      v9 = (v9 + v13) | 0;
      v5 ^= v9;
      v5 = (v5 >>> 7) | (v5 << 25);
      v2 = (((v2 + v6) | 0) + (m[(first >>> 16) & 15] as number)) | 0;
      v14 ^= v2;
      v14 = (v14 >>> 16) | (v14 << 16);
      v10 = (v10 + v14) | 0;
      v6 ^= v10;
      v6 = (v6 >>> 12) | (v6 << 20);
      v2 = (((v2 + v6) | 0) + (m[(first >>> 20) & 15] as number)) | 0;
      v14 ^= v2;
      v14 = (v14 >>> 8) | (v14 << 24);
      v10 = (v10 + v14) | 0;
      v6 ^= v10;
      v6 = (v6 >>> 7) | (v6 << 25);
      v3 = (((v3 + v7) | 0) + (m[(first >>> 24) & 15] as number)) | 0;
      v15 ^= v3;
      v15 = (v15 >>> 16) | (v15 << 16);
      v11 = (v11 + v15) | 0;
      v7 ^= v11;
      v7 = (v7 >>> 12) | (v7 << 20);
      v3 = (((v3 + v7) | 0) + (m[(first >>> 28) & 15] as number)) | 0;
      v15 ^= v3;
      v15 = (v15 >>> 8) | (v15 << 24);
      v11 = (v11 + v15) | 0;
      v7 ^= v11;
      v7 = (v7 >>> 7) | (v7 << 25);
      v0 = (((v0 + v5) | 0) + (m[second & 15] as number)) | 0;
      v15 ^= v0;
      v15 = (v15 >>> 16) | (v15 << 16);
      v10 = (v10 + v15) | 0;
      v5 ^= v10;
      v5 = (v5 >>> 12) | (v5 << 20);
      v0 = (((v0 + v5) | 0) + (m[(second >>> 4) & 15] as number)) | 0;
      v15 ^= v0;
      v15 = (v15 >>> 8) | (v15 << 24);
      v10 = (v10 + v15) | 0;
      v5 ^= v10;
      v5 = (v5 >>> 7) | (v5 << 25);
      v1 = (((v1 + v6) | 0) + (m[(second >>> 8) & 15] as number)) | 0;
      v12 ^= v1;
      v12 = (v12 >>> 16) | (v12 << 16);
      v11 = (v11 + v12) | 0;
      v6 ^= v11;
      v6 = (v6 >>> 12) | (v6 << 20);
      v1 = (((v1 + v6) | 0) + (m[(second >>> 12) & 15] as number)) | 0;
      v12 ^= v1;
      v12 = (v12 >>> 8) | (v12 << 24);
      v11 = (v11 + v12) | 0;
      v6 ^= v11;
      v6 = (v6 >>> 7) | (v6 << 25);
      v2 = (((v2 + v7) | 0) + (m[(second >>> 16) & 15] as number)) | 0;
      v13 ^= v2;
      v13 = (v13 >>> 16) | (v13 << 16);
      v8 = (v8 + v13) | 0;
      v7 ^= v8;
      v7 = (v7 >>> 12) | (v7 << 20);
      v2 = (((v2 + v7) | 0) + (m[(second >>> 20) & 15] as number)) | 0;
      v13 ^= v2;
      v13 = (v13 >>> 8) | (v13 << 24);
      v8 = (v8 + v13) | 0;
      v7 ^= v8;
      v7 = (v7 >>> 7) | (v7 << 25);
      v3 = (((v3 + v4) | 0) + (m[(second >>> 24) & 15] as number)) | 0;
      v14 ^= v3;
      v14 = (v14 >>> 16) | (v14 << 16);
      v9 = (v9 + v14) | 0;
      v4 ^= v9;
      v4 = (v4 >>> 12) | (v4 << 20);
      v3 = (((v3 + v4) | 0) + (m[(second >>> 28) & 15] as number)) | 0;
      v14 ^= v3;
      v14 = (v14 >>> 8) | (v14 << 24);
      v9 = (v9 + v14) | 0;
      v4 ^= v9;
      v4 = (v4 >>> 7) | (v4 << 25);
    }
    h[0] = (h[0] as number) ^ v0 ^ v8;
    h[1] = (h[1] as number) ^ v1 ^ v9;
    h[2] = (h[2] as number) ^ v2 ^ v10;
    h[3] = (h[3] as number) ^ v3 ^ v11;
    h[4] = (h[4] as number) ^ v4 ^ v12;
    h[5] = (h[5] as number) ^ v5 ^ v13;
    h[6] = (h[6] as number) ^ v6 ^ v14;
    h[7] = (h[7] as number) ^ v7 ^ v15;
  }
}
