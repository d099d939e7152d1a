/** Keeps what is dear to make and many ask for, for a moment and in bounded memory. */

export interface ShortCache<T> {
  /** The value under `key` if it is younger than the cache's age, else a new one from `make`. */
  get(key: string, make: () => T): T;
}

interface Kept<T> {
  readonly value: T;
  readonly madeAt: number;
}

/** `monotonic` in ms, as Clock.monotonic. */
export function createShortCache<T>(
  monotonic: () => number,
  ageMaxMs: number,
  entriesMax: number,
): ShortCache<T> {
  const entries = new Map<string, Kept<T>>();
  return {
    get(key, make) {
      const now = monotonic();
      const known = entries.get(key);
      if (known !== undefined && now - known.madeAt < ageMaxMs) return known.value;
      const value = make();
      entries.delete(key);
      if (entries.size >= entriesMax) {
        const [oldest] = entries.keys();
        if (oldest !== undefined) entries.delete(oldest);
      }
      entries.set(key, { value, madeAt: now });
      return value;
    },
  };
}
