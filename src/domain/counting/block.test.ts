import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  encodeTestBlock,
  event,
  eventsBlock,
  sealEvents,
  T0,
  type TestEvent,
  WRITER,
} from '../../../test/support/blocks.ts';
import {
  BLOCK_KEYS_MAX,
  type Block,
  BlockBuilder,
  decodeBlock,
  decodeKey,
  type EventBlock,
  encodeControlBlock,
  encodeKey,
  encodePulseBlock,
  encodeTimeMark,
  encodeUsageBlock,
  KEY_PART_BYTES_MAX,
} from './block.ts';
import type { EventKey } from './key.ts';
import { LANES } from './lane.ts';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
/** Any text that a key may hold, from letters to emoji and a byte order mark. */
const names = fc
  .oneof(fc.stringMatching(/^[a-z0-9-]{1,20}$/), fc.string({ minLength: 1, unit: 'grapheme' }))
  .filter((name) => Buffer.byteLength(name) <= KEY_PART_BYTES_MAX);
const keys: fc.Arbitrary<EventKey> = fc.record({
  scope: names,
  item: names,
  lane: fc.constantFrom(...LANES),
});

/** Narrow and wide columns: times that lie within a minute, or weeks apart. */
const spreads = fc.constantFrom(0, 1, 1_000, 0xffff, 0x1_0000, 40 * 86_400_000);
const blocks = fc
  .record({
    count: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 3_000 })),
    keys: fc.oneof(
      fc.uniqueArray(keys, { minLength: 1, maxLength: 8, selector: (key) => JSON.stringify(key) }),
      // Around and above the 256 that fit one byte.
      fc.integer({ min: 250, max: 300 }).map((count) =>
        Array.from({ length: count }, (_, number): EventKey => {
          return { scope: 'final', item: `option-${number}`, lane: 'valid' };
        }),
      ),
    ),
    idSpread: spreads,
    acceptanceSpread: spreads,
    seed: fc.integer({ min: 1 }),
    partition: fc.integer({ min: 0, max: 0xffff }),
    writerId: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
    sequence: u32,
  })
  .map(({ count, keys: given, idSpread, acceptanceSpread, seed, ...rest }) => {
    let state = seed;
    const below = (bound: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * bound);
    };
    const events = Array.from({ length: count }, (_, number): TestEvent => {
      const key = given[number < given.length ? number : below(given.length)];
      return {
        time: T0 - below(idSpread + 1),
        x: below(2 ** 32),
        y: below(2 ** 32),
        z: below(2 ** 16),
        acceptedAt: T0 - below(acceptanceSpread + 1),
        ...(key ?? { scope: 'final', item: 'ana', lane: 'valid' }),
      };
    });
    return { events, blockTime: T0 + below(1_000), ...rest };
  });

/** The events of a block, as they were given to the builder. */
function eventsOf(block: EventBlock): TestEvent[] {
  return Array.from({ length: block.count }, (_, index) => {
    const key = block.keys[block.keyIndex[index] ?? -1];
    if (key === undefined) throw new Error('an event without a key');
    return {
      ...key,
      time: block.baseIdTime + (block.idTimeDelta[index] ?? Number.NaN),
      x: block.x[index] ?? Number.NaN,
      y: block.y[index] ?? Number.NaN,
      z: block.z[index] ?? Number.NaN,
      acceptedAt: block.blockTime - (block.acceptanceDelta[index] ?? Number.NaN),
    };
  });
}

function asEvents(block: Block): EventBlock {
  if (block.kind !== 'events') throw new Error(`a block of ${block.kind}`);
  return block;
}

describe('a block of events', () => {
  test('gives back every event that was sealed in it, in order, with all that it was', () => {
    fc.assert(
      fc.property(blocks, ({ events, blockTime, partition, writerId, sequence }) => {
        const bytes = sealEvents(events, blockTime, partition, { writerId, sequence });
        const block = asEvents(decodeBlock(bytes));
        expect(eventsOf(block)).toEqual(events);
        expect(block).toMatchObject({ partition, writerId, sequence, blockTime });
        expect(bytes.length % 4).toBe(0);
      }),
      { numRuns: 120 },
    );
  });

  test('has narrow columns where the values fit, up to the last one that does', () => {
    const pair = (idSpread: number, acceptanceSpread: number): EventBlock =>
      asEvents(
        decodeBlock(
          sealEvents(
            [
              event(1, { time: T0 - idSpread, acceptedAt: T0 - acceptanceSpread }),
              event(2, { time: T0, acceptedAt: T0 }),
            ],
            T0,
          ),
        ),
      );
    expect(pair(0xffff, 0).idTimeDelta).toBeInstanceOf(Uint16Array);
    expect(pair(0x1_0000, 0).idTimeDelta).toBeInstanceOf(Uint32Array);
    expect(pair(0, 0xffff).acceptanceDelta).toBeInstanceOf(Uint16Array);
    expect(pair(0, 0x1_0000).acceptanceDelta).toBeInstanceOf(Uint32Array);
    const options = (count: number): EventBlock =>
      asEvents(
        decodeBlock(
          sealEvents(
            Array.from({ length: count }, (_, number) => event(number, { item: `o${number}` })),
            T0,
          ),
        ),
      );
    expect(options(256).keyIndex).toBeInstanceOf(Uint8Array);
    expect(options(257).keyIndex).toBeInstanceOf(Uint16Array);
  });

  test('has the time of its last acceptance where the clock went back since', () => {
    const events = [1, 5_000, 20].map((ahead, number) => event(number, { acceptedAt: T0 + ahead }));
    const block = asEvents(decodeBlock(sealEvents(events, T0)));
    expect(block.blockTime).toBe(T0 + 5_000);
    expect(eventsOf(block)).toEqual(events);
  });

  test('keeps the lanes of one option apart', () => {
    const events = LANES.flatMap((lane, number) => [
      event(number * 2, { lane }),
      event(number * 2 + 1, { lane }),
    ]);
    const block = asEvents(decodeBlock(sealEvents(events, T0)));
    expect(block.keys.map(({ lane }) => lane)).toEqual([...LANES]);
    expect(eventsOf(block)).toEqual(events);
  });

  test('is read the same from any place in memory, and without touching what was given', () => {
    const events = Array.from({ length: 9 }, (_, number) => event(number, { item: `o${number}` }));
    const bytes = sealEvents(events, T0);
    for (let shift = 0; shift < 8; shift += 1) {
      const memory = new Uint8Array(shift + bytes.length + 3).fill(0x5a);
      memory.set(bytes, shift);
      const before = memory.slice();
      // Clients of servers hand out Buffers, whose slice() is no copy.
      const places = [memory, Buffer.from(memory.buffer)].map((place) =>
        place.subarray(shift, shift + bytes.length),
      );
      for (const given of places) {
        expect(eventsOf(asEvents(decodeBlock(given)))).toEqual(events);
      }
      expect(memory).toEqual(before);
    }
  });

  test('costs at most 20 bytes a vote from 500 votes on, with 2 to 100 options', () => {
    for (const options of [2, 10, 100]) {
      for (const count of [500, 1_000, 8_192]) {
        const events = Array.from({ length: count }, (_, number) =>
          event(number, {
            scope: 'k7n2paq9tz',
            item: `option-${number % options}`,
            time: T0 - (number % 3_000),
            acceptedAt: T0 + Math.floor(number / 100),
          }),
        );
        expect(sealEvents(events, T0).length / count).toBeLessThanOrEqual(20);
      }
    }
  });

  test('whose times lie too far apart is refused, and leaves the builder empty', () => {
    const key = { bytes: encodeKey({ scope: 'final', item: 'ana', lane: 'valid' }) };
    const builder = new BlockBuilder(4);
    const far = 2 ** 32;
    builder.add(T0, 1, 1, 1, key, T0);
    builder.add(T0 + far, 2, 2, 2, key, T0);
    expect(() => builder.seal(0, T0, WRITER)).toThrow('49 days');
    expect(builder.count).toBe(0);
    builder.add(T0, 1, 1, 1, key, T0);
    expect(() => builder.seal(0, T0 + far, WRITER)).toThrow('49 days');
    builder.add(T0, 3, 3, 3, key, T0);
    expect(asEvents(decodeBlock(builder.seal(0, T0 + far - 1, WRITER))).count).toBe(1);
  });
});

describe('a builder', () => {
  test('that was sealed is empty and remembers nothing of the block', () => {
    const key = (item: string) => ({ bytes: encodeKey({ scope: 'final', item, lane: 'valid' }) });
    const [ana, bia] = [key('ana'), key('bia')];
    const builder = new BlockBuilder(8);
    expect([builder.count, builder.acceptedMin]).toEqual([0, Number.POSITIVE_INFINITY]);
    builder.add(T0 - 90_000, 1, 1, 1, ana, T0 - 80_000);
    builder.add(T0, 2, 2, 2, bia, T0);
    expect([builder.count, builder.acceptedMin]).toEqual([2, T0 - 80_000]);
    builder.seal(0, T0, WRITER);
    expect([builder.count, builder.acceptedMin]).toEqual([0, Number.POSITIVE_INFINITY]);
    builder.add(T0, 3, 3, 3, bia, T0);
    const block = asEvents(decodeBlock(builder.seal(0, T0, WRITER)));
    expect(eventsOf(block)).toEqual([
      event(0, { x: 3, y: 3, z: 3, item: 'bia', time: T0, acceptedAt: T0 }),
    ]);
    expect(block.idTimeDelta).toBeInstanceOf(Uint16Array);
    expect(block.acceptanceDelta).toBeInstanceOf(Uint16Array);
  });

  test('takes no more events than a block can number keys', () => {
    expect(new BlockBuilder(BLOCK_KEYS_MAX).capacity).toBe(65_535);
    expect(() => new BlockBuilder(BLOCK_KEYS_MAX + 1)).toThrow(RangeError);
  });

  test('without events seals a block without events', () => {
    const block = asEvents(decodeBlock(new BlockBuilder(1).seal(3, T0, WRITER)));
    expect(block).toMatchObject({ count: 0, keys: [], partition: 3, blockTime: T0 });
  });
});

describe('a key', () => {
  test.each([
    ['an empty scope', { scope: '', item: 'a' }],
    ['an empty item', { scope: 'a', item: '' }],
    ['a scope of 256 bytes', { scope: 'é'.repeat(128), item: 'a' }],
    ['an item of 256 bytes', { scope: 'a', item: 'x'.repeat(256) }],
    [
      'half of a surrogate pair, which UTF-8 can not tell from another',
      { scope: 'a\ud83d', item: 'a' },
    ],
  ])('with %s is refused', (_, key) => {
    expect(() => encodeKey({ ...key, lane: 'valid' })).toThrow('A key part');
  });

  test('is read back from its own bytes alone, and from nothing else', () => {
    const key = { scope: 'copa-2026', item: 'são', lane: 'flagged' } as const;
    const bytes = encodeKey(key);
    expect(decodeKey(bytes)).toEqual(key);
    const others = [
      new Uint8Array(0),
      bytes.subarray(0, -1),
      Uint8Array.of(...bytes, 0),
      bytes.with(0, 9),
    ];
    for (const other of others) {
      expect(() => decodeKey(other)).toThrow(expect.objectContaining({ code: 'block_invalid' }));
    }
  });

  test('of 255 bytes is taken whole', () => {
    const longest = { scope: `${'é'.repeat(127)}x`, item: 'y'.repeat(255) };
    const block = asEvents(decodeBlock(sealEvents([event(1, longest)], T0)));
    expect(block.keys).toEqual([{ ...longest, lane: 'valid' }]);
  });

  test('that begins with a byte order mark keeps it', () => {
    const key = { scope: '\ufefffinal', item: '\ufeffana' };
    const block = asEvents(decodeBlock(sealEvents([event(1, key)], T0)));
    expect(block.keys).toEqual([{ ...key, lane: 'valid' }]);
  });
});

describe('a block without events', () => {
  test('of control records gives its payload back, whatever its length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (payload) => {
        const block = decodeBlock(encodeControlBlock(0xffff, T0, WRITER, payload));
        expect(block).toMatchObject({
          kind: 'control',
          partition: 0xffff,
          blockTime: T0,
          ...WRITER,
        });
        expect(block.kind === 'control' && Buffer.from(block.payload).equals(payload)).toBe(true);
      }),
    );
  });

  test.each([
    ['pulses', encodePulseBlock],
    ['usage', encodeUsageBlock],
  ])(
    'of %s gives their bytes and their number back, and knows nothing of their insides',
    (kind, encode) => {
      const payloads = fc.record({ payload: fc.uint8Array({ maxLength: 100 }), count: u32 });
      fc.assert(
        fc.property(payloads, ({ payload, count }) => {
          const block = decodeBlock(encode(3, T0, WRITER, count, payload));
          expect(block).toMatchObject({
            kind,
            partition: 3,
            blockTime: T0,
            count,
            ...WRITER,
          });
          expect('payload' in block && Buffer.from(block.payload).equals(payload)).toBe(true);
        }),
      );
    },
  );

  test('that marks the time says nothing but its time', () => {
    const block = decodeBlock(encodeTimeMark(5, T0, WRITER));
    expect(block).toEqual({
      kind: 'time-mark',
      partition: 5,
      blockTime: T0,
      ...WRITER,
      crc: block.crc,
    });
  });

  test('keeps any time of 48 bits', () => {
    for (const time of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1]) {
      expect(decodeBlock(encodeTimeMark(0, time, WRITER)).blockTime).toBe(time);
    }
  });
});

test('the checksum of a block tells it from every other', () => {
  const bytes = encodeTestBlock(eventsBlock([event(1)]));
  const stored = new DataView(bytes.buffer).getUint32(bytes.length - 4, true);
  expect(decodeBlock(bytes).crc).toBe(stored);
  expect(decodeBlock(encodeTestBlock(eventsBlock([event(2)]))).crc).not.toBe(stored);
});
