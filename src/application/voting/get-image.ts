/** Finds an uploaded picture by its digest; those that every page shows come from memory. */
import type { Catalogue, StoredImage } from '../../ports/catalogue.ts';

export type GetImageResult =
  | { readonly kind: 'ok'; readonly image: StoredImage }
  | { readonly kind: 'image_not_found' };

/** Sixteen pictures of the largest size, or some hundreds of usual ones. */
export const IMAGE_CACHE_BYTES_MAX = 16_777_216;

/** The bytes under a digest never change: whoever serves them may keep them for ever. */
export class GetImage {
  readonly #catalogue: Pick<Catalogue, 'image'>;
  /** Least recently asked first. */
  readonly #cache = new Map<string, StoredImage>();
  #cachedBytes = 0;

  constructor(deps: { readonly catalogue: Pick<Catalogue, 'image'> }) {
    this.#catalogue = deps.catalogue;
  }

  async run(sha256: string): Promise<GetImageResult> {
    if (!/^[0-9a-f]{64}$/.test(sha256)) return { kind: 'image_not_found' };
    const image = this.#cache.get(sha256) ?? (await this.#catalogue.image(sha256));
    if (image === null) return { kind: 'image_not_found' };
    this.#keep(image);
    return { kind: 'ok', image };
  }

  #keep(image: StoredImage): void {
    if (!this.#cache.delete(image.sha256)) this.#cachedBytes += image.bytes.length;
    this.#cache.set(image.sha256, image);
    for (const [sha256, { bytes }] of this.#cache) {
      if (this.#cachedBytes <= IMAGE_CACHE_BYTES_MAX) break;
      this.#cache.delete(sha256);
      this.#cachedBytes -= bytes.length;
    }
  }
}
