/** Copies short runs of bytes, as messages are, without what the runtime's own copying takes to begin. */

/** From here on the runtime's own copying wins: 80 ns to begin, against 0.4 ns a byte by fours. */
const LONG_BYTES = 256;

/**
 * Copies `bytes[start, end)` to `at` of `target` and returns where the next byte goes. The views lie over
 * the bytes of the same name; the two runs are of different buffers.
 */
export function copyBytes(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  target: Uint8Array,
  targetView: DataView,
  at: number,
): number {
  if (end - start > LONG_BYTES) {
    target.set(bytes.subarray(start, end), at);
    return at + end - start;
  }
  let from = start;
  let to = at;
  for (; from + 4 <= end; from += 4) {
    targetView.setInt32(to, view.getInt32(from, true), true);
    to += 4;
  }
  for (; from < end; from += 1) {
    target[to] = bytes[from] as number;
    to += 1;
  }
  return to;
}
