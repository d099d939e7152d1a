import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { DedupWindow } from './dedup-window.ts';

/** The length of id time that one table of the window holds. */
const SPAN_MS = 8_192;
const NOW = 1_795_000_000_000;

interface Id {
  readonly time: number;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}
const nameOf = ({ time, x, y, z }: Id): string => `${time} ${x} ${y} ${z}`;

/** Few values, so that ids meet again and differ by one word at a time; zero among them. */
const words = fc.constantFrom(0, 1, 2, 0x8000_0000, 0xffff_ffff);
const ids: fc.Arbitrary<Id> = fc.record({
  time: fc.oneof(
    fc.integer({ min: 0, max: 3 * SPAN_MS }),
    fc.constantFrom(0, 1, SPAN_MS - 1, SPAN_MS, SPAN_MS + 1, 2 * SPAN_MS),
  ),
  x: words,
  y: words,
  z: fc.constantFrom(0, 1, 0xffff),
});
type Operation =
  | { readonly kind: 'add' | 'has'; readonly id: Id }
  | { readonly kind: 'drop'; readonly before: number };
const operations: fc.Arbitrary<readonly Operation[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), id: ids }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('has' as const), id: ids }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('drop' as const),
        before: fc.integer({ min: 0, max: 2 * SPAN_MS }),
      }),
    },
  ),
  { maxLength: 120 },
);

test('the window says of every id what a set of all ids says, as long as it was not let go', () => {
  fc.assert(
    fc.property(operations, fc.integer(), (sequence, seed) => {
      const window = new DedupWindow(seed);
      const held = new Set<string>();
      let dropped = 0;
      for (const operation of sequence) {
        if (operation.kind === 'drop') {
          dropped = Math.max(dropped, operation.before);
          window.dropBefore(operation.before);
          continue;
        }
        const { time, x, y, z } = operation.id;
        // Below the bound an id may be known a little longer, or be forgotten: nobody asks there.
        if (time < dropped) continue;
        const name = nameOf(operation.id);
        expect(window.has(time, x, y, z)).toBe(held.has(name));
        if (operation.kind === 'has') continue;
        expect(window.add(time, x, y, z)).toBe(!held.has(name));
        held.add(name);
      }
    }),
    { numRuns: 400 },
  );
});

describe('an id', () => {
  test('whose bits are all zero is remembered as any other', () => {
    const window = new DedupWindow(1);
    expect(window.has(0, 0, 0, 0)).toBe(false);
    expect(window.add(0, 0, 0, 0)).toBe(true);
    expect(window.add(0, 0, 0, 0)).toBe(false);
    expect(window.has(0, 0, 0, 0)).toBe(true);
    // The same slot in another span is another id.
    expect(window.has(SPAN_MS, 0, 0, 0)).toBe(false);
    expect(window.add(SPAN_MS, 0, 0, 0)).toBe(true);
    expect(window.size).toBe(2);
  });

  test('is told from its neighbours in every single bit', () => {
    const window = new DedupWindow(7);
    const id = { time: NOW, x: 0x1234_5678, y: 0x9abc_def0, z: 0x1357 };
    window.add(id.time, id.x, id.y, id.z);
    const neighbours: Id[] = [];
    for (let bit = 0; bit < 32; bit += 1) {
      neighbours.push(
        { ...id, x: (id.x ^ (1 << bit)) >>> 0 },
        { ...id, y: (id.y ^ (1 << bit)) >>> 0 },
      );
      if (bit < 16) neighbours.push({ ...id, z: id.z ^ (1 << bit) });
      neighbours.push({ ...id, time: id.time + 2 ** bit });
    }
    for (const { time, x, y, z } of neighbours) expect(window.has(time, x, y, z)).toBe(false);
    expect(window.has(id.time, id.x, id.y, id.z)).toBe(true);
  });

  test('is remembered while the tables grow around it', () => {
    const window = new DedupWindow(3);
    const count = 20_000;
    for (let number = 0; number < count; number += 1) {
      expect(window.add(NOW, number, number * 3, number & 0xffff)).toBe(true);
    }
    expect(window.size).toBe(count);
    for (let number = 0; number < count; number += 1) {
      expect(window.add(NOW, number, number * 3, number & 0xffff)).toBe(false);
    }
    expect(window.size).toBe(count);
  });
});

describe('letting go', () => {
  test('never takes an id at or behind the bound', () => {
    const window = new DedupWindow(5);
    const times = Array.from({ length: 200 }, (_, number) => NOW + number * 500);
    for (const time of times) window.add(time, 1, 2, 3);
    for (let bound = NOW; bound < NOW + 100_000; bound += 1_777) {
      window.dropBefore(bound);
      for (const time of times) {
        if (time >= bound) expect(window.has(time, 1, 2, 3)).toBe(true);
      }
    }
  });

  test('frees the memory of what lies a span and more before the bound', () => {
    const window = new DedupWindow(5);
    for (let time = NOW; time < NOW + 100_000; time += 10) window.add(time, time & 0xff, 2, 3);
    const before = { size: window.size, bytes: window.bytes };
    window.dropBefore(NOW + 50_000);
    expect(window.size).toBeGreaterThanOrEqual(before.size / 2);
    expect(window.size).toBeLessThanOrEqual(before.size / 2 + SPAN_MS / 10);
    expect(window.bytes).toBeLessThan(before.bytes * 0.75);
    window.dropBefore(NOW + 100_000 + SPAN_MS);
    expect([window.size, window.bytes]).toEqual([0, 0]);
    expect(window.add(NOW + 99_999, 1, 2, 3)).toBe(true);
  });

  test('of the span that was written last forgets it wholly, and it can come again', () => {
    const window = new DedupWindow(5);
    window.add(0, 1, 2, 3);
    window.dropBefore(SPAN_MS);
    expect(window.has(0, 1, 2, 3)).toBe(false);
    expect(window.add(0, 1, 2, 3)).toBe(true);
    expect([window.size, window.has(0, 1, 2, 3)]).toEqual([1, true]);
  });
});

describe('memory', () => {
  const windowMs = 600_000;

  test.each([100_000, 112_500, 150_000, 250_000])(
    'stays at 32 bytes an id or less, with %d ids in a window of ten minutes',
    (count) => {
      const window = new DedupWindow(11);
      let state = count;
      const random = (): number => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return state;
      };
      for (let number = 0; number < count; number += 1) {
        const time = NOW + Math.floor((number / count) * windowMs);
        window.add(time, random(), random(), random() & 0xffff);
      }
      expect(window.size).toBe(count);
      expect(window.bytes / window.size).toBeLessThanOrEqual(32);
    },
  );

  test('ids that a client picked to collide cost no more than others', () => {
    // Equal in all the bits that an unseeded hash by masking would look at.
    const window = new DedupWindow(0x5bd1_e995);
    const started = performance.now();
    for (let number = 0; number < 50_000; number += 1) window.add(NOW, 0, number * 65_536, 0);
    expect(window.size).toBe(50_000);
    // A pile of 50,000 on one slot takes a second and more; spread out it takes milliseconds.
    expect(performance.now() - started).toBeLessThan(500);
  });
});
