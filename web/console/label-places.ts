/** Keeps labels beside their lines readable: moves those apart that would overlap. */

/**
 * Positions at least `gap` apart and within `[top, bottom]`, in the order of the given ones, as near
 * to them as that allows. When they can not all fit, the spacing shrinks evenly.
 */
export function spreadLabels(
  positions: readonly number[],
  gap: number,
  top: number,
  bottom: number,
): readonly number[] {
  const order = positions.map((_, i) => i).sort((a, b) => at(positions, a) - at(positions, b));
  const fitting = Math.min(gap, (bottom - top) / Math.max(1, positions.length - 1));
  const placed = new Array<number>(positions.length).fill(top);
  let previous = Number.NEGATIVE_INFINITY;
  for (const i of order) {
    previous = Math.max(at(positions, i), top, previous + fitting);
    placed[i] = previous;
  }
  let next = Number.POSITIVE_INFINITY;
  for (const i of order.reverse()) {
    next = Math.min(at(placed, i), bottom, next - fitting);
    placed[i] = next;
  }
  return placed;
}

function at(numbers: readonly number[], i: number): number {
  return numbers[i] ?? 0;
}
