/** The few statistics that the bench needs: medians and percentiles of measured values. */

/** The value that `p` percent (0–100) of the values do not exceed, by nearest rank; NaN of none. */
export function percentile(values: Iterable<number>, p: number): number {
  const sorted = Float64Array.from(values).sort();
  const rank = Math.max(1, Math.ceil((p / 100) * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

export function median(values: Iterable<number>): number {
  return percentile(values, 50);
}

export function highest(values: Iterable<number>): number {
  return percentile(values, 100);
}
