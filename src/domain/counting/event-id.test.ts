import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  eventIdHex,
  formatUuidV7,
  type IdWords,
  idWords,
  mixScope,
  parseEventIdHex,
  parseUuidV7,
  partitionOf,
  scopeSeed,
  unmixScope,
  writeEventId,
} from './event-id.ts';

/** RFC 9562, appendix A.6. */
const EXAMPLE = '017f22e2-79b0-7cc3-98c4-dc0c0c07398f';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const times = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const ids: fc.Arbitrary<IdWords> = fc.record({
  time: times,
  x: u32,
  y: u32,
  z: fc.integer({ min: 0, max: 0xffff }),
});
/** What a UUIDv7 can hold: 74 bits beside the time. */
const uuids = ids.map((words) => ({ ...words, z: words.z & 0x3ff }));
const scopes = fc.string({ minLength: 1, maxLength: 40, unit: 'binary' });

function parsed(text: string): IdWords | null {
  const words = idWords();
  return parseUuidV7(text, words) ? words : null;
}

function mixed(words: IdWords, scope: string): IdWords {
  const copy = { ...words };
  mixScope(copy, scopeSeed(scope));
  return copy;
}

describe('a UUIDv7', () => {
  test('is read with its time and all of its other bits', () => {
    const words = parsed(EXAMPLE);
    expect(words?.time).toBe(Date.parse('2022-02-22T14:22:22.000-05:00'));
    // 0xcc3 | 0x18c4 | 0xdc0c0c07398f: 12, 14 and 48 bits, in this order.
    const rest = (0xcc3n << 62n) | (0x18c4n << 48n) | 0xdc0c0c07398fn;
    const { x, y, z } = words ?? idWords();
    expect((BigInt(z) << 64n) | (BigInt(x) << 32n) | BigInt(y)).toBe(rest);
  });

  test('is the same one in upper case', () => {
    expect(parsed(EXAMPLE.toUpperCase())).toEqual(parsed(EXAMPLE));
  });

  test('that was formatted is read as it was, and the other way round', () => {
    fc.assert(
      fc.property(uuids, (words) => {
        const text = formatUuidV7(words);
        expect(text).toMatch(
          /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
        );
        expect(parsed(text)).toEqual(words);
      }),
    );
    expect(formatUuidV7(parsed(EXAMPLE) ?? idWords())).toBe(EXAMPLE);
  });

  test.each([
    ['nothing', ''],
    ['a character too few', EXAMPLE.slice(1)],
    ['a character too many', `${EXAMPLE}0`],
    ['a blank before it', ` ${EXAMPLE.slice(1)}`],
    ['braces', `{${EXAMPLE}}`],
    ['no dashes', EXAMPLE.replaceAll('-', '')],
    ['version 4', EXAMPLE.replace('-7cc3', '-4cc3')],
    ['version 6', EXAMPLE.replace('-7cc3', '-6cc3')],
    ['version 8', EXAMPLE.replace('-7cc3', '-8cc3')],
    ['version f', EXAMPLE.replace('-7cc3', '-fcc3')],
    ['the variant of NCS', EXAMPLE.replace('-98c4', '-78c4')],
    ['the variant of Microsoft', EXAMPLE.replace('-98c4', '-c8c4')],
    ['the variant of the future', EXAMPLE.replace('-98c4', '-f8c4')],
    ['full-width digits', EXAMPLE.replace('0', '０')],
    ['a letter whose code ends in that of a digit', EXAMPLE.replace('0', '\u0130')],
    ['a NUL', EXAMPLE.replace('0', '\0')],
    ['a surrogate', EXAMPLE.replace('0', '\ud800')],
  ])('is not: %s', (_, text) => {
    expect(parsed(text)).toBeNull();
  });

  test.each([8, 13, 18, 23])('has its dash at %d', (at) => {
    for (const other of ['0', ' ', '_', '‐']) {
      expect(parsed(EXAMPLE.slice(0, at) + other + EXAMPLE.slice(at + 1))).toBeNull();
    }
  });

  test('has a hex digit in every other place', () => {
    for (let at = 0; at < EXAMPLE.length; at += 1) {
      if (EXAMPLE[at] === '-') continue;
      for (const other of ['g', 'G', '-', '/', ':', '@', '`', ' ', 'é']) {
        expect(parsed(EXAMPLE.slice(0, at) + other + EXAMPLE.slice(at + 1))).toBeNull();
      }
    }
  });

  test('is no text that a stricter pattern would refuse', () => {
    const texts = fc.oneof(
      fc.string({ minLength: 36, maxLength: 36, unit: 'binary' }),
      fc.uuid(),
      fc.uuid({ version: 7 }),
    );
    const pattern = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i;
    fc.assert(
      fc.property(texts, (text) => {
        expect(parsed(text) !== null).toBe(pattern.test(text));
      }),
      { numRuns: 500 },
    );
  });
});

describe('mixing an id with its scope', () => {
  test('can be undone: two ids never become one event inside a poll', () => {
    fc.assert(
      fc.property(ids, scopes, (words, scope) => {
        const seed = scopeSeed(scope);
        const copy = { ...words };
        mixScope(copy, seed);
        unmixScope(copy, seed);
        expect(copy).toEqual(words);
        unmixScope(copy, seed);
        mixScope(copy, seed);
        expect(copy).toEqual(words);
      }),
      { numRuns: 1000 },
    );
  });

  test('keeps the time and the widths of the words', () => {
    fc.assert(
      fc.property(ids, scopes, (words, scope) => {
        const { time, x, y, z } = mixed(words, scope);
        expect(time).toBe(words.time);
        expect([x >>> 0, y >>> 0, z & 0xffff]).toEqual([x, y, z]);
      }),
    );
  });

  test('makes one key in two polls two events', () => {
    fc.assert(
      fc.property(ids, scopes, scopes, (words, one, other) => {
        fc.pre(one !== other);
        expect(eventIdHex(mixed(words, one))).not.toBe(eventIdHex(mixed(words, other)));
      }),
    );
    const words = parsed(EXAMPLE) ?? idWords();
    const names = Array.from({ length: 20_000 }, (_, number) => `poll-${number.toString(36)}`);
    const distinct = new Set(names.map((name) => eventIdHex(mixed(words, name))));
    expect(distinct.size).toBe(names.length);
  });

  test('is the same in every process: ids that stand in logs never change', () => {
    const words = parsed(EXAMPLE) ?? idWords();
    expect(scopeSeed('final')).toEqual(scopeSeed('final'));
    expect(eventIdHex(mixed(words, 'final'))).toBe('017f22e279b0a3cfa6a64392baea5de8');
    expect(eventIdHex(mixed(words, 'semifinal'))).toBe('017f22e279b0a297319156cb60e0ac35');
  });
});

describe('an id of 16 bytes', () => {
  test('written in hex is read as it was, in either case', () => {
    fc.assert(
      fc.property(ids, (words) => {
        const hex = eventIdHex(words);
        expect(hex).toMatch(/^[0-9a-f]{32}$/);
        for (const text of [hex, hex.toUpperCase()]) {
          const read = idWords();
          expect(parseEventIdHex(text, read)).toBe(true);
          expect(read).toEqual(words);
        }
      }),
    );
  });

  test('is 32 hex digits and nothing else', () => {
    const hex = 'f'.repeat(32);
    const texts = ['', hex.slice(1), `${hex}f`, ...Array.from(hex, (_, at) => at)].map((given) =>
      typeof given === 'string' ? given : `${hex.slice(0, given)}g${hex.slice(given + 1)}`,
    );
    for (const text of texts) expect(parseEventIdHex(text, idWords())).toBe(false);
  });

  test('is the same in bytes as in hex', () => {
    fc.assert(
      fc.property(ids, fc.nat(4), (words, at) => {
        const bytes = new Uint8Array(24).fill(0xee);
        writeEventId(words, new DataView(bytes.buffer), at);
        expect(Buffer.from(bytes.subarray(at, at + 16)).toString('hex')).toBe(eventIdHex(words));
        const around = [...bytes.subarray(0, at), ...bytes.subarray(at + 16)];
        expect(new Set(around)).toEqual(new Set([0xee]));
      }),
    );
  });

  test('sorts by its time, in bytes and in hex', () => {
    fc.assert(
      fc.property(ids, ids, (one, other) => {
        fc.pre(one.time !== other.time);
        const bytesOf = (words: IdWords): Buffer => {
          const bytes = Buffer.alloc(16);
          writeEventId(words, new DataView(bytes.buffer, bytes.byteOffset), 0);
          return bytes;
        };
        const earlier = one.time < other.time;
        expect(Buffer.compare(bytesOf(one), bytesOf(other)) < 0).toBe(earlier);
        expect(eventIdHex(one) < eventIdHex(other)).toBe(earlier);
      }),
    );
  });
});

describe('the partition of an id', () => {
  test('is a function of the id alone, so that a retry meets its first try', () => {
    fc.assert(
      fc.property(ids, fc.integer({ min: 1, max: 511 }), (words, partitions) => {
        const partition = partitionOf(words, partitions);
        expect(partitionOf({ ...words }, partitions)).toBe(partition);
        expect(Number.isInteger(partition) && partition >= 0 && partition < partitions).toBe(true);
      }),
    );
  });

  test.each([
    ['random ids', (_: number, random: () => number) => random()],
    // As of a client that counts up instead of drawing random bits.
    ['counted ids', (number: number) => number],
  ])('spreads %s evenly', (_, restOf) => {
    const partitions = 12;
    const count = 60_000;
    const hits = new Array<number>(partitions).fill(0);
    const seed = scopeSeed('final');
    let state = 0x2545_f491;
    const random = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state;
    };
    for (let number = 0; number < count; number += 1) {
      const words = { time: 1_795_000_000_000, x: 0, y: restOf(number, random), z: 0 };
      mixScope(words, seed);
      const partition = partitionOf(words, partitions);
      hits[partition] = (hits[partition] ?? 0) + 1;
    }
    const expected = count / partitions;
    const chiSquare = hits.reduce((sum, hit) => sum + (hit - expected) ** 2 / expected, 0);
    // With 11 degrees of freedom, a fair spread exceeds this once in a million draws.
    expect(chiSquare).toBeLessThan(50);
  });
});
