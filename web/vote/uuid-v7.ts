/** Makes the vote's id: a UUIDv7 whose time is the server's, not the phone's. */

/** How many random bytes `uuidV7` reads. */
export const UUID_V7_RANDOM_BYTES = 10;

const TIME_MAX = 2 ** 48 - 1;

/**
 * The UUIDv7 (RFC 9562 §5.7) of a time in milliseconds since the epoch and 10 random bytes, of which
 * 74 bits are used. Throws a RangeError on a time or a randomness that can not make one.
 */
export function uuidV7(timeMs: number, random: Uint8Array): string {
  const time = Math.floor(timeMs);
  if (!(time >= 0 && time <= TIME_MAX)) throw new RangeError(`no UUIDv7 holds the time ${timeMs}`);
  if (random.length !== UUID_V7_RANDOM_BYTES)
    throw new RangeError('a UUIDv7 needs 10 random bytes');
  const tail = Array.from(random);
  tail[0] = ((tail[0] ?? 0) & 0x0f) | 0x70; // the version
  tail[2] = ((tail[2] ?? 0) & 0x3f) | 0x80; // the variant
  const hex = tail.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const head = time.toString(16).padStart(12, '0');
  return [head.slice(0, 8), head.slice(8), hex.slice(0, 4), hex.slice(4, 8), hex.slice(8)].join(
    '-',
  );
}
