/**
 * Takes usage back from the rating book that the ledger does not have any more: a ledger that was rebuilt
 * sends what it has, and says nothing of a window that it should never have had.
 */
import { NO_USAGE, USAGE_WINDOW_MS, type UsageRecord } from '../../domain/metering/usage.ts';
import type { PulseLedger } from '../../ports/pulse-ledger.ts';
import type { RatingBook } from '../../ports/rating-book.ts';
import { askUsage, END_OF_TIME } from './ask-usage.ts';
import { compareUsage } from './metering-difference.ts';

export interface RetractUsageDeps {
  readonly ledger: Pick<PulseLedger, 'usage'>;
  readonly book: Pick<RatingBook, 'usage' | 'tenants' | 'accept'>;
}

/** Parts that a span is cut into: five steps from the whole of time to one window. */
const PARTS = 64;

/**
 * Gives every window whose usage the book has otherwise as nothing, in each partition by its version: what
 * the ledger has said since has a higher one, and stands. Resolves to how many windows that were.
 *
 * @throws as the stores.
 */
export async function retractUsage(
  { ledger, book }: RetractUsageDeps,
  versions: readonly number[],
): Promise<number> {
  let retracted = 0;
  for (const tenant of await book.tenants(0, END_OF_TIME)) {
    const spans = [{ from: 0, to: END_OF_TIME }];
    for (let span = spans.pop(); span !== undefined; span = spans.pop()) {
      const bounds = partsOf(span);
      const [found, expected] = [
        await askUsage(book, tenant, bounds),
        await askUsage(ledger, tenant, bounds),
      ];
      const compared = { store: 'rating book', expected, found, lanes: [], isWhole: true };
      const wider = new Map<number, { readonly from: number; readonly to: number }>();
      for (const { series, window } of compareUsage(compared)) {
        if (series === null || window === null) continue;
        if (window.to - window.from > USAGE_WINDOW_MS) wider.set(window.from, window);
        else {
          retracted += 1;
          await book.accept(
            versions.map(
              (version, partition): UsageRecord => ({
                ...{ series, start: window.from, partition, version },
                ...NO_USAGE,
              }),
            ),
          );
        }
      }
      spans.push(...wider.values());
    }
  }
  return retracted;
}

function partsOf({ from, to }: { readonly from: number; readonly to: number }): readonly number[] {
  const windows = (to - from) / USAGE_WINDOW_MS;
  const step = Math.ceil(windows / PARTS) * USAGE_WINDOW_MS;
  const bounds: number[] = [];
  for (let at = from; at < to; at += step) bounds.push(at);
  return [...bounds, to];
}
