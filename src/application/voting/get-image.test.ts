import { beforeEach, describe, expect, test } from 'bun:test';
import { sampleImage } from '../../../test/support/catalogue-samples.ts';
import type { StoredImage } from '../../ports/catalogue.ts';
import { GetImage, IMAGE_CACHE_BYTES_MAX } from './get-image.ts';

let stored: Map<string, StoredImage>;
let asked: string[];
let images: GetImage;

beforeEach(() => {
  stored = new Map();
  asked = [];
  const image = async (sha256: string) => {
    asked.push(sha256.slice(0, 1));
    return stored.get(sha256) ?? null;
  };
  images = new GetImage({ catalogue: { image } });
});

const store = (digit: string, length: number): string => {
  const image = sampleImage({ sha256: digit.repeat(64), bytes: new Uint8Array(length) });
  stored.set(image.sha256, image);
  return image.sha256;
};

describe('a picture', () => {
  test('is found by its digest, and asked of the store once', async () => {
    const sha256 = store('a', 5);
    const image = sampleImage({ sha256, bytes: new Uint8Array(5) });
    expect(await images.run(sha256)).toEqual({ kind: 'ok', image });
    await images.run(sha256);
    await images.run(sha256);
    expect(asked).toEqual(['a']);
  });

  test('that is not there, or can not be, is not found', async () => {
    expect(await images.run('b'.repeat(64))).toEqual({ kind: 'image_not_found' });
    for (const name of ['', 'b', 'B'.repeat(64), `${'b'.repeat(63)}/`, '../catalogue.db']) {
      expect(await images.run(name)).toEqual({ kind: 'image_not_found' });
    }
    expect(asked).toEqual(['b']);
  });

  test('is kept only while there is room: the one that was asked for least recently goes', async () => {
    const third = IMAGE_CACHE_BYTES_MAX / 4 + 1;
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((digit) => store(digit, third));
    for (const sha256 of [a, b, a, b, a, c, a, d]) await images.run(sha256 ?? '');
    expect(asked).toEqual(['a', 'b', 'c', 'd']);
    await images.run(a ?? '');
    expect(asked).toEqual(['a', 'b', 'c', 'd']);
    await images.run(b ?? '');
    expect(asked).toEqual(['a', 'b', 'c', 'd', 'b']);
  });
});
