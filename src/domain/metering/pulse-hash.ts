/**
 * BLAKE2s-256 (RFC 7693), cut to 16 bytes: what pulses are known by for ever, so that nobody may be able
 * to make a pulse that passes for another's. Most of them fit one of its blocks of 64 bytes, which makes
 * it the fastest sound hash that is the same in every runtime. Little-endian machines only.
 */
const BLOCK_BYTES = 64;
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
const ROUNDS = 10;
/** Which word of the message goes where, round by round. */
const SIGMA = Uint8Array.from(
  [
    '0123456789abcdef',
    'ea489fd61c02b753',
    'b8c052fdae367194',
    '7931dcbe265a40f8',
    '905724afe1bc683d',
    '2c6a0b834d75fe19',
    'c51fed4a0763928b',
    'db7ec13950f4862a',
    '6fe9b308c2d714a5',
    'a2847615fb9e3cd0',
  ].join(''),
  (digit) => Number.parseInt(digit, 16),
);

/** Hashes one text of bytes after another: `start`, what goes in, `finish`. */
export class PulseHash {
  readonly #state = new Int32Array(8);
  readonly #words = new Int32Array(BLOCK_BYTES / 4);
  readonly #block = new Uint8Array(this.#words.buffer);
  readonly #result = new Uint8Array(this.#state.buffer);
  #filled = 0;
  #total = 0;

  start(): void {
    // Word by word: `set` costs as much as half of a hash.
    const h = this.#state;
    h[0] = (IV[0] as number) ^ PARAMETERS;
    h[1] = IV[1] as number;
    h[2] = IV[2] as number;
    h[3] = IV[3] as number;
    h[4] = IV[4] as number;
    h[5] = IV[5] as number;
    h[6] = IV[6] as number;
    h[7] = IV[7] as number;
    this.#filled = 0;
    this.#total = 0;
  }

  byte(value: number): void {
    // The last block is known only once nothing follows it.
    if (this.#filled === BLOCK_BYTES) this.#next();
    this.#block[this.#filled] = value;
    this.#filled += 1;
  }

  /** `value`: below 2^32. */
  word(value: number): void {
    this.byte(value);
    this.byte(value >>> 8);
    this.byte(value >>> 16);
    this.byte(value >>> 24);
  }

  bytes(source: Uint8Array, start: number, end: number): void {
    const block = this.#block;
    let filled = this.#filled;
    for (let at = start; at < end; at += 1) {
      if (filled === BLOCK_BYTES) {
        this.#next();
        filled = 0;
      }
      block[filled] = source[at] as number;
      filled += 1;
    }
    this.#filled = filled;
  }

  /** Writes HASH_BYTES at `at`. */
  finish(target: Uint8Array, at: number): void {
    this.#total += this.#filled;
    this.#block.fill(0, this.#filled);
    this.#compress(-1);
    for (let index = 0; index < HASH_BYTES; index += 1) {
      target[at + index] = this.#result[index] as number;
    }
  }

  #next(): void {
    this.#total += BLOCK_BYTES;
    this.#compress(0);
    this.#filled = 0;
  }

  /** Longer than functions are here: a word in a variable of its own is what makes it quick. */
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
    for (let at = 0; at < ROUNDS * 16; at += 16) {
      v0 = (v0 + v4 + (m[s[at + 0] as number] as number)) | 0;
      v12 ^= v0;
      v12 = (v12 >>> 16) | (v12 << 16);
      v8 = (v8 + v12) | 0;
      v4 ^= v8;
      v4 = (v4 >>> 12) | (v4 << 20);
      v0 = (v0 + v4 + (m[s[at + 1] as number] as number)) | 0;
      v12 ^= v0;
      v12 = (v12 >>> 8) | (v12 << 24);
      v8 = (v8 + v12) | 0;
      v4 ^= v8;
      v4 = (v4 >>> 7) | (v4 << 25);
      v1 = (v1 + v5 + (m[s[at + 2] as number] as number)) | 0;
      v13 ^= v1;
      v13 = (v13 >>> 16) | (v13 << 16);
      v9 = (v9 + v13) | 0;
      v5 ^= v9;
      v5 = (v5 >>> 12) | (v5 << 20);
      v1 = (v1 + v5 + (m[s[at + 3] as number] as number)) | 0;
      v13 ^= v1;
      v13 = (v13 >>> 8) | (v13 << 24);
      v9 = (v9 + v13) | 0;
      v5 ^= v9;
      v5 = (v5 >>> 7) | (v5 << 25);
      v2 = (v2 + v6 + (m[s[at + 4] as number] as number)) | 0;
      v14 ^= v2;
      v14 = (v14 >>> 16) | (v14 << 16);
      v10 = (v10 + v14) | 0;
      v6 ^= v10;
      v6 = (v6 >>> 12) | (v6 << 20);
      v2 = (v2 + v6 + (m[s[at + 5] as number] as number)) | 0;
      v14 ^= v2;
      v14 = (v14 >>> 8) | (v14 << 24);
      v10 = (v10 + v14) | 0;
      v6 ^= v10;
      v6 = (v6 >>> 7) | (v6 << 25);
      v3 = (v3 + v7 + (m[s[at + 6] as number] as number)) | 0;
      v15 ^= v3;
      v15 = (v15 >>> 16) | (v15 << 16);
      v11 = (v11 + v15) | 0;
      v7 ^= v11;
      v7 = (v7 >>> 12) | (v7 << 20);
      v3 = (v3 + v7 + (m[s[at + 7] as number] as number)) | 0;
      v15 ^= v3;
      v15 = (v15 >>> 8) | (v15 << 24);
      v11 = (v11 + v15) | 0;
      v7 ^= v11;
      v7 = (v7 >>> 7) | (v7 << 25);
      v0 = (v0 + v5 + (m[s[at + 8] as number] as number)) | 0;
      v15 ^= v0;
      v15 = (v15 >>> 16) | (v15 << 16);
      v10 = (v10 + v15) | 0;
      v5 ^= v10;
      v5 = (v5 >>> 12) | (v5 << 20);
      v0 = (v0 + v5 + (m[s[at + 9] as number] as number)) | 0;
      v15 ^= v0;
      v15 = (v15 >>> 8) | (v15 << 24);
      v10 = (v10 + v15) | 0;
      v5 ^= v10;
      v5 = (v5 >>> 7) | (v5 << 25);
      v1 = (v1 + v6 + (m[s[at + 10] as number] as number)) | 0;
      v12 ^= v1;
      v12 = (v12 >>> 16) | (v12 << 16);
      v11 = (v11 + v12) | 0;
      v6 ^= v11;
      v6 = (v6 >>> 12) | (v6 << 20);
      v1 = (v1 + v6 + (m[s[at + 11] as number] as number)) | 0;
      v12 ^= v1;
      v12 = (v12 >>> 8) | (v12 << 24);
      v11 = (v11 + v12) | 0;
      v6 ^= v11;
      v6 = (v6 >>> 7) | (v6 << 25);
      v2 = (v2 + v7 + (m[s[at + 12] as number] as number)) | 0;
      v13 ^= v2;
      v13 = (v13 >>> 16) | (v13 << 16);
      v8 = (v8 + v13) | 0;
      v7 ^= v8;
      v7 = (v7 >>> 12) | (v7 << 20);
      v2 = (v2 + v7 + (m[s[at + 13] as number] as number)) | 0;
      v13 ^= v2;
      v13 = (v13 >>> 8) | (v13 << 24);
      v8 = (v8 + v13) | 0;
      v7 ^= v8;
      v7 = (v7 >>> 7) | (v7 << 25);
      v3 = (v3 + v4 + (m[s[at + 14] as number] as number)) | 0;
      v14 ^= v3;
      v14 = (v14 >>> 16) | (v14 << 16);
      v9 = (v9 + v14) | 0;
      v4 ^= v9;
      v4 = (v4 >>> 12) | (v4 << 20);
      v3 = (v3 + v4 + (m[s[at + 15] as number] as number)) | 0;
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
