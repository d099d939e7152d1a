/** Recognises the pictures that Apura serves, by their bytes alone: PNG, JPEG and WebP of bounded size. */

export const IMAGE_MEDIA_TYPES = ['image/png', 'image/jpeg', 'image/webp'] as const;
export type ImageMediaType = (typeof IMAGE_MEDIA_TYPES)[number];

export interface ImageInfo {
  readonly mediaType: ImageMediaType;
  readonly width: number;
  readonly height: number;
}

export type ImageCheck =
  | ({ readonly kind: 'ok' } & ImageInfo)
  | { readonly kind: 'invalid'; readonly detail: string };

export const IMAGE_BYTES_MAX = 1_048_576;
export const IMAGE_SIDE_MAX = 4_096;

/** Reads the header only; whether the rest decodes is the browser's business. */
export function checkImage(bytes: Uint8Array): ImageCheck {
  if (bytes.length > IMAGE_BYTES_MAX) {
    return { kind: 'invalid', detail: `An image has at most ${IMAGE_BYTES_MAX} bytes.` };
  }
  const info = pngInfo(bytes) ?? jpegInfo(bytes) ?? webpInfo(bytes);
  if (info === null) {
    return { kind: 'invalid', detail: 'The bytes are no PNG, JPEG or WebP image.' };
  }
  const { width, height } = info;
  if (width < 1 || height < 1 || width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX) {
    const detail = `An image is 1 to ${IMAGE_SIDE_MAX} pixels wide and high, not ${width} × ${height}.`;
    return { kind: 'invalid', detail };
  }
  return { kind: 'ok', ...info };
}

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** A signature, then the IHDR chunk: length 13, name, width, height, five bytes, CRC. */
function pngInfo(bytes: Uint8Array): ImageInfo | null {
  if (bytes.length < 33 || PNG_SIGNATURE.some((byte, index) => bytes[index] !== byte)) return null;
  const view = viewOf(bytes);
  if (view.getUint32(8) !== 13 || !hasText(bytes, 12, 'IHDR')) return null;
  return { mediaType: 'image/png', width: view.getUint32(16), height: view.getUint32(20) };
}

/** Segments of marker and length up to the frame header, which holds height and width. */
function jpegInfo(bytes: Uint8Array): ImageInfo | null {
  if (bytes.length < 4 || bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  const view = viewOf(bytes);
  let position = 2;
  while (position + 9 <= bytes.length) {
    if (bytes[position] !== 0xff) return null;
    const marker = view.getUint8(position + 1);
    if (marker === 0xff) {
      position += 1; // a fill byte
    } else if (isFrameHeader(marker)) {
      const height = view.getUint16(position + 5);
      return { mediaType: 'image/jpeg', width: view.getUint16(position + 7), height };
    } else if (isStandalone(marker)) {
      return null; // no picture data can come before its frame header
    } else {
      position += 2 + view.getUint16(position + 2);
    }
  }
  return null;
}

/** SOF0 to SOF15, save the Huffman (C4), reserved (C8) and arithmetic (CC) tables among them. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/** Start of scan, end of image, restarts and such: none may stand before the frame header. */
function isStandalone(marker: number): boolean {
  return marker <= 0x01 || (marker >= 0xd0 && marker <= 0xda);
}

/** A RIFF container whose first chunk is lossy (VP8), lossless (VP8L) or extended (VP8X). */
function webpInfo(bytes: Uint8Array): ImageInfo | null {
  if (bytes.length < 30 || !hasText(bytes, 0, 'RIFF') || !hasText(bytes, 8, 'WEBP')) return null;
  const view = viewOf(bytes);
  const mediaType = 'image/webp';
  if (hasText(bytes, 12, 'VP8X')) {
    const width = 1 + view.getUint16(24, true) + view.getUint8(26) * 0x1_0000;
    return {
      mediaType,
      width,
      height: 1 + view.getUint16(27, true) + view.getUint8(29) * 0x1_0000,
    };
  }
  if (hasText(bytes, 12, 'VP8L') && bytes[20] === 0x2f) {
    const packed = view.getUint32(21, true);
    return { mediaType, width: 1 + (packed & 0x3fff), height: 1 + ((packed >>> 14) & 0x3fff) };
  }
  const isKeyFrame = bytes[23] === 0x9d && bytes[24] === 0x01 && bytes[25] === 0x2a;
  if (hasText(bytes, 12, 'VP8 ') && isKeyFrame) {
    const height = view.getUint16(28, true) & 0x3fff;
    return { mediaType, width: view.getUint16(26, true) & 0x3fff, height };
  }
  return null;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function hasText(bytes: Uint8Array, position: number, text: string): boolean {
  return [...text].every((letter, index) => bytes[position + index] === letter.charCodeAt(0));
}
