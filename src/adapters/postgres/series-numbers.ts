/** The small numbers that the schema has for series, so that no row holds three texts. */
import type { PoolClient } from 'pg';
import type { UsageSeries } from '../../domain/metering/pulse.ts';
import { listOf, numberOf, type Row, unexpected } from './database.ts';

/** Numbers of series, by `seriesName`. */
export type SeriesNumbers = ReadonlyMap<string, number>;

/** What a connection remembers of series before it begins anew. */
const KNOWN_MAX = 100_000;

export function seriesName({ tenant, sku, unit }: UsageSeries): string {
  return `${tenant.length} ${sku.length} ${tenant}${sku}${unit}`;
}

export class SeriesDirectory {
  /**
   * What each connection has asked for: only as long as it lasts is the database surely the one that was
   * asked, and not one that was restored since.
   */
  readonly #known = new WeakMap<PoolClient, Map<string, number>>();

  /** The numbers of these series, and perhaps of others. New ones are there for good, whatever comes next. */
  async numbersOf(client: PoolClient, series: Iterable<UsageSeries>): Promise<SeriesNumbers> {
    const known = this.#known.get(client) ?? new Map<string, number>();
    if (known.size > KNOWN_MAX) known.clear();
    this.#known.set(client, known);
    const unknown = new Map<string, UsageSeries>();
    for (const one of new Set(series)) {
      const name = seriesName(one);
      if (!known.has(name)) unknown.set(name, one);
    }
    if (unknown.size === 0) return known;
    const names = [...unknown.values()].map(({ tenant, sku, unit }) => [tenant, sku, unit]);
    const text = 'SELECT add_series($1) AS numbers';
    const { rows } = await client.query<Row>(text, [JSON.stringify(names)]);
    const numbers = listOf(rows[0]?.numbers);
    if (numbers.length !== unknown.size) throw unexpected(`${numbers.length} series`);
    for (const [place, name] of [...unknown.keys()].entries()) {
      known.set(name, numberOf(numbers[place]));
    }
    return known;
  }
}
