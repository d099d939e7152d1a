/** The words and figures that the reports of every load run share. */
import type { Histogram } from '../../../runtime/histogram.ts';
import { formatLatency } from '../duration.ts';
import type { RunRecord } from './run-record.ts';

/** In ms, for programs. */
export function percentiles(histogram: Histogram) {
  const rounded = (ms: number) => Math.round(ms * 1_000) / 1_000;
  return {
    count: histogram.count,
    mean: rounded(histogram.mean),
    p50: rounded(histogram.percentile(50)),
    p90: rounded(histogram.percentile(90)),
    p99: rounded(histogram.percentile(99)),
    p999: rounded(histogram.percentile(99.9)),
    max: rounded(histogram.max),
  };
}

export function acceptedPerSecond(record: RunRecord): number {
  return record.elapsedMs === 0 ? 0 : (record.accepted / record.elapsedMs) * 1_000;
}

export function row(name: string, count: number, words: string): string {
  return `  ${name.padEnd(9)}${group(count).padStart(12)}${words === '' ? '' : `  ${words}`}`;
}

/** `overloaded 12, poll_closed 3` */
export function namedCounts(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${group(count)}`)
    .join(', ');
}

export function latencies(histogram: Histogram): string {
  if (histogram.count === 0) return 'none';
  const parts = [50, 90, 99, 99.9].map((p) => `p${p} ${formatLatency(histogram.percentile(p))}`);
  return [...parts, `max ${formatLatency(histogram.max)}`].join('   ');
}

export function share(part: number, whole: number): string {
  return `${whole === 0 ? '0.00' : ((part / whole) * 100).toFixed(2)}%`;
}

/** 1234567 as 1,234,567. */
export function group(count: number): string {
  return count.toLocaleString('en-US');
}
