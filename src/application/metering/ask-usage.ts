/** Asks a store for all usage of a tenant, in as many questions as it takes. */
import { ApuraError } from '../../domain/errors.ts';
import { USAGE_WINDOW_MS } from '../../domain/metering/usage.ts';
import type { PulseLedger, UsageRow } from '../../ports/pulse-ledger.ts';

/** The end of the year 9999, which no pulse lies behind. */
export const END_OF_TIME = Date.UTC(10_000, 0);
const DAY_MS = 86_400_000;
/** Rows of one answer: about 100 MB. */
const ROWS_MAX = 250_000;

/** Every window that starts at one of these instants (ascending) as one of its own, and what lies between as a whole. */
export function windowBounds(starts: readonly number[]): readonly number[] {
  return boundsOf(starts, USAGE_WINDOW_MS);
}

/** As windowBounds, of the days of UTC that hold the instants. */
export function dayBounds(starts: readonly number[]): readonly number[] {
  return boundsOf([...new Set(starts.map((at) => Math.floor(at / DAY_MS) * DAY_MS))], DAY_MS);
}

function boundsOf(starts: readonly number[], length: number): readonly number[] {
  const bounds = [0];
  for (const at of [...starts.flatMap((start) => [start, start + length]), END_OF_TIME]) {
    if (at > (bounds.at(-1) ?? 0)) bounds.push(at);
  }
  return bounds;
}

/** As PulseLedger.usage of one tenant; of any number of rows. @throws as the store. */
export async function askUsage(
  store: Pick<PulseLedger, 'usage'>,
  tenant: string,
  bounds: readonly number[],
  rowsMax: number = ROWS_MAX,
): Promise<readonly UsageRow[]> {
  const [from = 0, to = END_OF_TIME] = [bounds[0], bounds.at(-1)];
  const filter = { tenant, sku: null, unit: null, from, to };
  try {
    return await store.usage(filter, bounds, rowsMax);
  } catch (error) {
    const isTooMuch = error instanceof ApuraError && error.code === 'too_many_rows';
    if (!isTooMuch || bounds.length < 3) throw error;
    const middle = bounds.length >> 1;
    return [
      ...(await askUsage(store, tenant, bounds.slice(0, middle + 1), rowsMax)),
      ...(await askUsage(store, tenant, bounds.slice(middle), rowsMax)),
    ];
  }
}
