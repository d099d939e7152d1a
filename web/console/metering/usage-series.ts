/** Usage as bars and as a table: one unit at a time, for amounts of two units are never added up. */
import { drawnHeight, sumOfDecimals } from './decimal-text.ts';
import type { UsageRow } from './metering.ts';

/** More kinds of bars than these can't be told apart: the rest is drawn as one. */
export const SERIES_MAX = 9;

export interface UsageWindow {
  readonly from: number;
  readonly to: number;
  /** By sku; none where nothing was used. */
  readonly values: ReadonlyMap<string, UsageRow>;
}

export interface UsageTable {
  readonly unit: string;
  /** In the order of their names: a sku keeps its colour when another one grows. */
  readonly skus: readonly string[];
  /** By time. */
  readonly windows: readonly UsageWindow[];
  /** By sku, exact. */
  readonly sums: ReadonlyMap<string, string>;
}

/** Every unit that something was used in. */
export function unitsOf(rows: readonly UsageRow[]): readonly string[] {
  return [...new Set(rows.map(({ unit }) => unit))].sort();
}

export function usageTable(rows: readonly UsageRow[], unit: string): UsageTable {
  const own = rows.filter((row) => row.unit === unit);
  const skuOf = (row: UsageRow) => row.dimensions.sku ?? '';
  const skus = [...new Set(own.map(skuOf))].sort();
  const byStart = Map.groupBy(own, ({ from }) => Date.parse(from));
  const windows = [...byStart]
    .sort(([left], [right]) => left - right)
    .map(([from, inside]) => ({
      from,
      to: Math.max(...inside.map(({ to }) => Date.parse(to))),
      values: new Map(inside.map((row) => [skuOf(row), row])),
    }));
  const sums = new Map(
    skus.map((sku) => {
      const values = own.filter((row) => skuOf(row) === sku).map(({ value }) => value);
      return [sku, sumOfDecimals(values)];
    }),
  );
  return { unit, skus, windows, sums };
}

export interface Bars {
  /** Null: all the skus that have no bar of their own. */
  readonly names: readonly (string | null)[];
  /** Starts of windows, s since the Unix epoch. */
  readonly xs: readonly number[];
  /** By name, each on top of those before it. */
  readonly tops: readonly (readonly number[])[];
}

export function barsOf({ skus, windows }: UsageTable): Bars {
  const shown = skus.length <= SERIES_MAX ? skus : skus.slice(0, SERIES_MAX - 1);
  const rest = skus.slice(shown.length);
  const height = (window: UsageWindow, sku: string) =>
    Math.max(0, drawnHeight(window.values.get(sku)?.value ?? '0'));
  const groups = [...shown.map((sku) => [sku]), ...(rest.length > 0 ? [rest] : [])];
  let below = windows.map(() => 0);
  const tops = groups.map((group) => {
    below = windows.map((window, i) =>
      group.reduce((sum, sku) => sum + height(window, sku), below[i] ?? 0),
    );
    return below;
  });
  return {
    names: [...shown, ...(rest.length > 0 ? [null] : [])],
    xs: windows.map(({ from }) => from / 1000),
    tops,
  };
}
