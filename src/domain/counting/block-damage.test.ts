/** Damaged, cut, foreign and forged blocks: none is ever read as something that was not written. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { encodeTestBlock, event, resealed, sealEvents, T0 } from '../../../test/support/blocks.ts';
import { ApuraError } from '../errors.ts';
import { decodeBlock } from './block.ts';

const EVENTS = sealEvents([event(1), event(2, { item: 'bia' }), event(3, { lane: 'flagged' })], T0);
const CLOSE = encodeTestBlock({ kind: 'close', scope: 'final', blockTime: T0 });
const MARK = encodeTestBlock({ kind: 'mark', blockTime: T0 });
const SMALL: readonly (readonly [string, Uint8Array])[] = [
  ['events', EVENTS],
  ['a control record', CLOSE],
  ['a time mark', MARK],
];
const LARGE = sealEvents(
  Array.from({ length: 2_500 }, (_, number) => event(number, { item: `o${number % 40}` })),
  T0,
);

/** The code that decoding fails with; null where it does not fail. */
function codeOf(bytes: Uint8Array): string | null {
  try {
    decodeBlock(bytes);
    return null;
  } catch (error) {
    return error instanceof ApuraError ? error.code : `not an ApuraError: ${String(error)}`;
  }
}

/** Where things stand in a header (see block.ts). */
const AT = {
  magic: 0,
  kind: 4,
  flags: 5,
  blockTime: 20,
  idBase: 28,
  count: 36,
  body: 40,
  keys: 44,
};
const DICTIONARY = 48;

describe('damage is found', () => {
  test.each(SMALL)('any flipped bit of a block of %s', (_, block) => {
    for (let bit = 0; bit < block.length * 8; bit += 1) {
      const bytes = block.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(codeOf(bytes)).toBe('block_invalid');
    }
  });

  test.each(SMALL)('any cut of a block of %s', (_, block) => {
    for (let length = 0; length < block.length; length += 1) {
      expect(codeOf(block.slice(0, length))).toBe('block_invalid');
    }
  });

  test.each(SMALL)('any bytes behind a block of %s', (_, block) => {
    for (let length = 1; length <= 64; length += 1) {
      const bytes = new Uint8Array(block.length + length);
      bytes.set(block);
      expect(codeOf(bytes)).toBe('block_invalid');
    }
    expect(codeOf(Buffer.concat([block, block]))).toBe('block_invalid');
  });

  test('a flipped bit or a burst anywhere in a large block', () => {
    const bursts = fc.record({
      at: fc.nat(LARGE.length * 8 - 33),
      bits: fc.integer({ min: 1, max: 0xffff_ffff }),
    });
    fc.assert(
      fc.property(bursts, ({ at, bits }) => {
        const bytes = LARGE.slice();
        for (let bit = 0; bit < 32; bit += 1) {
          if (((bits >>> bit) & 1) === 0) continue;
          const place = at + bit;
          bytes[place >> 3] = (bytes[place >> 3] ?? 0) ^ (1 << (place & 7));
        }
        expect(codeOf(bytes)).toBe('block_invalid');
      }),
      { numRuns: 300 },
    );
  });

  test('a cut anywhere in a large block, and a piece taken out of it', () => {
    fc.assert(
      fc.property(fc.nat(LARGE.length - 1), fc.nat(LARGE.length - 1), (one, other) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other) + 1];
        expect(codeOf(LARGE.slice(0, from))).toBe('block_invalid');
        expect(codeOf(Buffer.concat([LARGE.slice(0, from), LARGE.slice(to)]))).toBe(
          'block_invalid',
        );
      }),
      { numRuns: 200 },
    );
  });

  test('any bytes that are no block', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(codeOf(bytes)).toBe('block_invalid');
      }),
    );
  });
});

describe('a well sealed block of a format that is not known here is refused', () => {
  const forged = (block: Uint8Array, change: (view: DataView) => void): string | null =>
    codeOf(resealed(block, change));

  test('the forger’s tool changes nothing by itself', () => {
    for (const [, block] of SMALL) expect(forged(block, () => {})).toBeNull();
  });

  test.each([0, 6, 7, 255])('kind %d', (kind) => {
    for (const [, block] of SMALL) {
      expect(forged(block, (view) => view.setUint8(AT.kind, kind))).toBe('block_invalid');
    }
  });

  test('another magic number', () => {
    expect(forged(EVENTS, (view) => view.setUint8(AT.magic + 3, 0x32))).toBe('block_invalid');
  });

  test.each([8, 16, 128])('column flag %d', (flag) => {
    expect(forged(EVENTS, (view) => view.setUint8(AT.flags, flag))).toBe('block_invalid');
    expect(forged(MARK, (view) => view.setUint8(AT.flags, flag))).toBe('block_invalid');
  });

  test.each([2, 255])('lane %d', (lane) => {
    expect(forged(EVENTS, (view) => view.setUint8(DICTIONARY, lane))).toBe('block_invalid');
  });

  test('a time beyond 48 bits', () => {
    for (const at of [AT.blockTime, AT.idBase]) {
      expect(forged(EVENTS, (view) => view.setUint8(at + 6, 1))).toBe('block_invalid');
    }
  });

  test('keys in a block without events', () => {
    expect(forged(MARK, (view) => view.setUint16(AT.keys, 1, true))).toBe('block_invalid');
  });
});

describe('a well sealed block that contradicts itself is refused', () => {
  const forged = (block: Uint8Array, change: (view: DataView) => void): string | null =>
    codeOf(resealed(block, change));

  test('an event with a key that the dictionary does not hold', () => {
    // Three events, three keys; the key column of three bytes and its padding end before the CRC.
    const keyColumn = EVENTS.length - 8;
    for (const [event, key] of [
      [0, 3],
      [1, 3],
      [2, 255],
    ] as const) {
      expect(forged(EVENTS, (view) => view.setUint8(keyColumn + event, key))).toBe('block_invalid');
    }
    expect(forged(EVENTS, (view) => view.setUint8(keyColumn, 2))).toBeNull();
  });

  test('more or fewer events than its length', () => {
    for (const count of [0, 1, 2, 4, 0x4000_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
      expect(forged(EVENTS, (view) => view.setUint32(AT.count, count, true))).toBe('block_invalid');
    }
  });

  test('more or fewer keys than its dictionary', () => {
    for (const keys of [0, 1, 2, 4, 0xffff]) {
      expect(forged(EVENTS, (view) => view.setUint16(AT.keys, keys, true))).toBe('block_invalid');
    }
  });

  test('a dictionary or payload of another length', () => {
    const lengths = [0, 1, 8, 1_000, 0x7fff_ffff, 0xffff_fffd, 0xffff_ffff];
    for (const [, block] of SMALL) {
      const own = new DataView(block.buffer).getUint32(AT.body, true);
      for (const length of lengths.filter((other) => other !== own)) {
        expect(forged(block, (view) => view.setUint32(AT.body, length, true))).toBe(
          'block_invalid',
        );
      }
    }
  });

  test('bytes behind the last key of the dictionary', () => {
    // 33 bytes of keys, padded to 36: one to three bytes more change no column's place.
    const own = new DataView(EVENTS.buffer).getUint32(AT.body, true);
    expect(own % 4).toBe(1);
    for (const more of [1, 2, 3]) {
      expect(forged(EVENTS, (view) => view.setUint32(AT.body, own + more, true))).toBe(
        'block_invalid',
      );
    }
  });

  test('a key part that is empty, or reaches beyond the dictionary', () => {
    for (const length of [0, 200, 255]) {
      expect(forged(EVENTS, (view) => view.setUint8(DICTIONARY + 1, length))).toBe('block_invalid');
    }
  });

  test('a key that is not UTF-8', () => {
    expect(forged(EVENTS, (view) => view.setUint8(DICTIONARY + 2, 0xff))).toBe('block_invalid');
  });

  test('any header whatever is read or refused, and never breaks the reader', () => {
    const extremes = fc.constantFrom(0, 1, 2, 0xff, 0xffff, 0x4000_0000, 0x8000_0000, 0xffff_ffff);
    const words = fc.array(
      fc.record({
        at: fc.constantFrom(4, 20, 24, 28, 32, 36, 40, 44),
        value: fc.oneof(extremes, fc.integer({ min: 0, max: 0xffff_ffff })),
      }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(fc.constantFrom(...SMALL), words, ([, block], changes) => {
        const code = forged(block, (view) => {
          for (const { at, value } of changes) view.setUint32(at, value, true);
        });
        expect(code === null || code === 'block_invalid').toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
