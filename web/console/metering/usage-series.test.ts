import { expect, test } from 'bun:test';
import type { UsageRow } from './metering.ts';
import { barsOf, SERIES_MAX, unitsOf, usageTable } from './usage-series.ts';

const DAY_MS = 86_400_000;

function row(day: number, sku: string, value: string, unit = 'GiB'): UsageRow {
  return {
    from: new Date(day * DAY_MS).toISOString(),
    to: new Date((day + 1) * DAY_MS).toISOString(),
    value,
    unit,
    count: 1,
    min: value,
    max: value,
    last: value,
    dimensions: { tenant: 'acme', sku },
  };
}

const ROWS = [
  row(1, 'net', '0.2'),
  row(0, 'net', '0.1'),
  row(1, 'disk', '9007199254740993'),
  row(1, 'cpu', '3', 'h'),
];

test('units stay apart, and sums are exact', () => {
  expect(unitsOf(ROWS)).toEqual(['GiB', 'h']);
  const table = usageTable(ROWS, 'GiB');
  expect(table.skus).toEqual(['disk', 'net']);
  expect(table.windows.map(({ from }) => from / DAY_MS)).toEqual([0, 1]);
  expect(table.windows[0]?.values.get('disk')).toBeUndefined();
  expect(Object.fromEntries(table.sums)).toEqual({ disk: '9007199254740993', net: '0.3' });
});

test('bars stand on each other, and what lies below 0 has none', () => {
  const bars = barsOf(usageTable([row(0, 'a', '2'), row(0, 'b', '3'), row(0, 'c', '-1')], 'GiB'));
  expect(bars.names).toEqual(['a', 'b', 'c']);
  expect(bars.xs).toEqual([0]);
  expect(bars.tops).toEqual([[2], [5], [5]]);
});

test('what is too much to tell apart is drawn as one', () => {
  const rows = Array.from({ length: 30 }, (_, i) => row(0, `sku-${i + 10}`, '1'));
  const bars = barsOf(usageTable(rows, 'GiB'));
  expect(bars.names).toHaveLength(SERIES_MAX);
  expect(bars.names.at(-1)).toBeNull();
  expect(bars.tops.at(-1)).toEqual([30]);
});
