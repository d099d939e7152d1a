import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { checkImage, IMAGE_BYTES_MAX, IMAGE_SIDE_MAX } from './image.ts';

const fromBase64 = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const text = (letters: string) => [...letters].map((letter) => letter.charCodeAt(0));

/** Files as encoders write them. */
const PNG_1X1 = fromBase64(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
);
const WEBP_LOSSY_1X1 = fromBase64('UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA');
const WEBP_LOSSLESS_1X1 = fromBase64('UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==');

function png(width: number, height: number): Uint8Array {
  const bytes = PNG_1X1.slice();
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return bytes;
}

const APP0 = [0xff, 0xe0, 0, 16, ...text('JFIF\0'), 1, 1, 0, 0, 1, 0, 1, 0, 0];
const TABLE = [0xff, 0xc4, 0, 3, 0];
const frame = (marker: number, width: number, height: number) => [
  ...[0xff, marker, 0, 17, 8, height >> 8, height & 0xff, width >> 8, width & 0xff, 3],
  ...[1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1],
];
const jpeg = (...segments: number[][]) => Uint8Array.from([0xff, 0xd8, ...segments.flat()]);

function webp(chunk: string, payload: number[]): Uint8Array {
  const body = [...text('WEBP'), ...text(chunk), payload.length, 0, 0, 0, ...payload];
  return Uint8Array.from([...text('RIFF'), body.length, 0, 0, 0, ...body]);
}

const invalid = (bytes: Uint8Array) => {
  const check = checkImage(bytes);
  return check.kind === 'invalid' ? check.detail : null;
};

describe('an image', () => {
  test('of each kind is told by its bytes, with its size', () => {
    const ok = { kind: 'ok', width: 1, height: 1 } as const;
    expect(checkImage(PNG_1X1)).toEqual({ ...ok, mediaType: 'image/png' });
    expect(checkImage(WEBP_LOSSY_1X1)).toEqual({ ...ok, mediaType: 'image/webp' });
    expect(checkImage(WEBP_LOSSLESS_1X1)).toEqual({ ...ok, mediaType: 'image/webp' });
  });

  test('as PNG says its width and height', () => {
    expect(checkImage(png(640, 360))).toMatchObject({ width: 640, height: 360 });
  });

  test('as WebP says its width and height in each of its forms', () => {
    const lossy = webp('VP8 ', [0, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x41]);
    expect(checkImage(lossy)).toMatchObject({ width: 640, height: 360 });
    const bits = (640 - 1) | ((360 - 1) << 14);
    const packed = [bits & 0xff, (bits >> 8) & 0xff, (bits >> 16) & 0xff, (bits >> 24) & 0xff];
    const lossless = webp('VP8L', [0x2f, ...packed, 0, 0, 0, 0, 0]);
    expect(checkImage(lossless)).toMatchObject({ width: 640, height: 360 });
    const extended = webp('VP8X', [0, 0, 0, 0, 0x7f, 0x02, 0, 0x67, 0x01, 0]);
    expect(checkImage(extended)).toMatchObject({ width: 640, height: 360 });
  });

  test.each([0xc0, 0xc1, 0xc2, 0xcf])('as JPEG with frame header %i says its size', (marker) => {
    const bytes = jpeg(APP0, TABLE, [0xff], frame(marker, 640, 360));
    expect(checkImage(bytes)).toEqual({
      kind: 'ok',
      mediaType: 'image/jpeg',
      width: 640,
      height: 360,
    });
  });

  test.each([
    ['nothing', Uint8Array.of()],
    ['a page', Uint8Array.from(text('<svg xmlns="http://www.w3.org/2000/svg"></svg>'))],
    ['a GIF', Uint8Array.from([...text('GIF89a'), ...Array(40).fill(1)])],
    ['a PNG cut short', PNG_1X1.slice(0, 32)],
    [
      'a PNG that does not begin with its header',
      PNG_1X1.map((byte, at) => (at === 12 ? 0 : byte)),
    ],
    ['a JPEG without a frame', jpeg(APP0)],
    [
      'a JPEG whose scan begins before its frame',
      jpeg(APP0, [0xff, 0xda, 0, 2], frame(0xc0, 9, 9)),
    ],
    ['a JPEG that is over before its frame', jpeg([0xff, 0xd9], frame(0xc0, 9, 9))],
    ['a JPEG with a zero marker', jpeg([0xff, 0x00], frame(0xc0, 9, 9))],
    ['a JPEG with something between its segments', jpeg(APP0, [0x12], frame(0xc0, 9, 9))],
    ['a WebP of unknown form', webp('VP9 ', Array(20).fill(0))],
    ['a lossy WebP without a key frame', webp('VP8 ', Array(20).fill(0))],
    ['a lossless WebP without its mark', webp('VP8L', Array(20).fill(0))],
    ['a WebP cut short', WEBP_LOSSY_1X1.slice(0, 29)],
  ])('is not %s', (_, bytes) => {
    expect(invalid(bytes)).toBe('The bytes are no PNG, JPEG or WebP image.');
  });

  test('is at most 4,096 pixels wide and high, and at least one', () => {
    expect(invalid(png(IMAGE_SIDE_MAX, IMAGE_SIDE_MAX))).toBeNull();
    for (const [width, height] of [
      [IMAGE_SIDE_MAX + 1, 1],
      [1, IMAGE_SIDE_MAX + 1],
      [0, 1],
      [1, 0],
      [0xffff_ffff, 1],
    ] as const) {
      expect(invalid(png(width, height))).toContain('pixels wide and high');
    }
  });

  test('has at most 1 MiB', () => {
    const padded = new Uint8Array(IMAGE_BYTES_MAX + 1);
    padded.set(PNG_1X1);
    expect(invalid(padded)).toBe('An image has at most 1048576 bytes.');
    expect(invalid(padded.subarray(0, IMAGE_BYTES_MAX))).toBeNull();
  });

  test('is looked for in the bytes given, not in the buffer around them', () => {
    const around = new Uint8Array(100);
    around.set(png(7, 9), 20);
    expect(checkImage(around.subarray(20))).toMatchObject({ width: 7, height: 9 });
  });

  test('is never made out of noise with an error', () => {
    const starts = fc.constantFrom<number[]>(
      [],
      [...PNG_1X1.slice(0, 16)],
      [0xff, 0xd8, 0xff],
      [...WEBP_LOSSY_1X1.slice(0, 16)],
    );
    fc.assert(
      fc.property(starts, fc.uint8Array({ maxLength: 200 }), (start, noise) => {
        expect(['ok', 'invalid']).toContain(checkImage(Uint8Array.of(...start, ...noise)).kind);
      }),
    );
  });
});
