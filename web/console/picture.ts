/** A chosen picture made ready to upload: bounded, and without the place and time a camera adds. */
const PICTURE_BYTES_MAX = 1_048_576;

/** Cards on the voter page are at most this wide on a screen of double density. */
const SIDE_MAX_PX = 1024;

const QUALITIES = [0.86, 0.7, 0.5];

/**
 * Redraws the picture within SIDE_MAX_PX and encodes it as WebP (JPEG where the browser can not);
 * drawing it anew is what drops its metadata. Null when the file is not a picture the browser reads.
 */
export async function preparePicture(file: Blob): Promise<Blob | null> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return null;
  }
  const scale = Math.min(1, SIDE_MAX_PX / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  for (const quality of QUALITIES) {
    const encoded = (await encode(canvas, 'image/webp', quality)) ?? null;
    if (encoded !== null && encoded.size <= PICTURE_BYTES_MAX) return encoded;
  }
  return null;
}

async function encode(canvas: HTMLCanvasElement, type: string, quality: number) {
  const as = (wanted: string) =>
    new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, wanted, quality));
  const blob = await as(type);
  // A browser that can not write WebP answers with PNG, which a photograph makes far too large.
  return blob?.type === type ? blob : as('image/jpeg');
}

/** Draws a picture into a canvas as a square cover: a preview that needs no blob: address. */
export async function drawCover(canvas: HTMLCanvasElement, picture: Blob): Promise<void> {
  const bitmap = await createImageBitmap(picture);
  const side = Math.min(bitmap.width, bitmap.height);
  const left = (bitmap.width - side) / 2;
  const top = (bitmap.height - side) / 2;
  canvas
    .getContext('2d')
    ?.drawImage(bitmap, left, top, side, side, 0, 0, canvas.width, canvas.height);
  bitmap.close();
}
