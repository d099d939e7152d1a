import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { columnsOf, HOUR_MS, keyOf, logged, NOON } from '../../../test/support/pulse-samples.ts';
import { CHUNK_BYTES_MAX, chunksOf, decodeChunk } from './chunk.ts';

const HOUR = NOON / HOUR_MS;

/** A block of pulses of 3 kB each. */
const largeBlock = (count: number, offset: number) =>
  Array.from({ length: count }, (_, n) =>
    logged({
      id: `${offset}-${n}`,
      offset,
      occurredAt: NOON + (n % 3 === 0 ? HOUR_MS : 0),
      attributes: Object.fromEntries(
        Array.from({ length: 12 }, (_value, at) => [`name-${at}`, 'x'.repeat(240)]),
      ),
    }),
  );

describe('chunks', () => {
  test('hold a block’s pulses by hour, each with its place, and none is too large', () => {
    const pulses = largeBlock(200, 9);
    const chunks = chunksOf(columnsOf(pulses));
    expect(chunks.length).toBeGreaterThan(4);
    for (const { content, offset } of chunks) {
      expect(content.length).toBeLessThanOrEqual(CHUNK_BYTES_MAX);
      expect(offset).toBe(9);
    }
    const decoded = chunks.flatMap(({ hour, content }) => decodeChunk(hour, content));
    const byPlace = decoded.toSorted((left, right) => left.index - right.index);
    expect(byPlace.map(({ index }) => index)).toEqual(pulses.map((_, n) => n));
    expect(byPlace.map(({ key }) => key)).toEqual(pulses.map(keyOf));
    expect(byPlace.map(({ occurredAt }) => occurredAt)).toEqual(
      pulses.map(({ pulse }) => pulse.occurredAt),
    );
    for (const { hour, first, content } of chunks) {
      expect(decodeChunk(hour, content)[0]?.index).toBe(first);
    }
  });

  test('are the same for a block that comes alone and among others', () => {
    const blocks = [3, 4, 5].map((offset) => largeBlock(70, offset));
    const together = chunksOf(columnsOf(blocks.flat()));
    expect(together).toEqual(blocks.flatMap((block) => chunksOf(columnsOf(block))));
    const names = together.map(({ hour, offset, first }) => `${hour}/${offset}/${first}`);
    expect(new Set(names).size).toBe(names.length);
  });

  test('take a pulse that is larger than they are', () => {
    const columns = columnsOf([logged({ id: 'x'.repeat(CHUNK_BYTES_MAX) }), logged({ id: 'y' })]);
    expect(chunksOf(columns).map(({ first }) => first)).toEqual([0, 1]);
  });

  test('say so where a byte of them is not what was written', () => {
    const [chunk] = chunksOf(columnsOf([logged({ id: 'a' }), logged({ id: 'b' })]));
    const content = chunk?.content ?? Buffer.alloc(0);
    expect(decodeChunk(HOUR, content)).toHaveLength(2);
    fc.assert(
      fc.property(fc.nat(content.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(content);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        expect(() => decodeChunk(HOUR, damaged)).toThrow(
          expect.objectContaining({ code: 'store_corrupt' }),
        );
      }),
    );
    for (const length of [0, 3, 11, content.length - 1]) {
      expect(() => decodeChunk(HOUR, content.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'store_corrupt' }),
      );
    }
  });
});
