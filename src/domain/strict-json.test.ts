import { describe, expect, test } from 'bun:test';
import { ApuraError } from './errors.ts';
import { StrictJson } from './strict-json.ts';

const parse = (value: unknown) => StrictJson.parse(JSON.stringify(value), 'thing', 'store_corrupt');
const failure = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof ApuraError && error.code === 'store_corrupt') return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('strict JSON', () => {
  test('lets go missing what may be missing, and nothing else', () => {
    expect(parse({ a: 1 }).object(['a'], ['b']).b).toBeUndefined();
    expect(parse({ a: 1, b: 2 }).object(['a'], ['b']).b?.whole(0)).toBe(2);
    expect(failure(() => parse({ b: 2 }).object(['a'], ['b']))).toContain('with a');
    expect(failure(() => parse({ a: 1, c: 2 }).object(['a'], ['b']))).toContain('without "c"');
  });

  test('hands out what is there', () => {
    const { a, b, c, d } = parse({ a: 1, b: ['x', 'y'], c: null, d: 'on' }).object([
      'a',
      'b',
      'c',
      'd',
    ]);
    expect(a.whole(0)).toBe(1);
    expect(b.list(1, 2).map((entry) => entry.text(() => true))).toEqual(['x', 'y']);
    expect(c.orNull((value) => value.whole(0))).toBeNull();
    expect(a.orNull((value) => value.whole(0))).toBe(1);
    expect(d.oneOf(['off', 'on'])).toBe('on');
  });

  test('says where it is wrong, and what should be there', () => {
    expect(failure(() => StrictJson.parse('{', 'thing', 'store_corrupt'))).toBe(
      'thing is not JSON.',
    );
    const { a } = parse({ a: { b: [1, 'x'] } }).object(['a']);
    const [, x] = a.object(['b']).b.list(0, 9);
    expect(failure(() => x?.whole(0))).toBe('thing.a.b[1] is not a whole number from 0 on.');
    expect(failure(() => a.object(['b', 'c']))).toBe('thing.a is not with c.');
    expect(failure(() => a.object([]))).toBe('thing.a is not without "b".');
    expect(failure(() => a.object(['b']).b.list(3, 4))).toBe('thing.a.b is not a list of 3 to 4.');
    expect(failure(() => x?.oneOf(['y', 'z']))).toBe('thing.a.b[1] is not one of y, z.');
    expect(failure(() => x?.text((text) => text === 'y'))).toBe(
      'thing.a.b[1] is not a valid text.',
    );
  });

  test.each([[null], [1], ['x'], [[]]])('%p is no object', (value) => {
    expect(failure(() => parse(value).object([]))).toBe('thing is not an object.');
  });

  test.each([-1, 0.5, 2 ** 53, '1', null, true])('%p is no whole number', (value) => {
    expect(failure(() => parse(value).whole(0))).toContain('whole number');
  });

  test('does not take what an object inherits for its members', () => {
    expect(failure(() => parse({}).object(['toString']))).toBe('thing is not with toString.');
  });
});
