/** What a charge is known by: the same line of the same period has the same id in every reckoning. */
import type { BillingPeriod } from './charge.ts';
import type { UsageSeries } from './pulse.ts';

/** SHA-256 of a text's UTF-8, as 64 hex digits. */
export type Digest = (text: string) => string;

/** Of 128 bits of a digest: no two lines of an installation ever share one. */
const ID_LENGTH = 32;

/** The id of the line of a series in the segment of a period that begins at `from`. */
export function usageChargeId(
  period: BillingPeriod,
  series: UsageSeries,
  from: number,
  digest: Digest,
): string {
  return idOf(['usage', ...periodParts(period), series.sku, series.unit, from], digest);
}

/** The id of the line that corrects, in `period`, a line of the final period `adjusts`. */
export function adjustmentId(
  period: BillingPeriod,
  adjusts: BillingPeriod,
  line: { readonly series: UsageSeries; readonly from: number; readonly currency: string },
  digest: Digest,
): string {
  const { series, from, currency } = line;
  const parts = [...periodParts(period), ...periodParts(adjusts)];
  return idOf(['adjustment', ...parts, series.sku, series.unit, from, currency], digest);
}

/** Neither its end nor its state: they may move while the period stays the same. */
function periodParts({ tenant, contract, from }: BillingPeriod): readonly (string | number)[] {
  return [tenant, contract, from];
}

/** As JSON, in which no two lists of parts look alike. */
function idOf(parts: readonly (string | number)[], digest: Digest): string {
  return digest(JSON.stringify(parts)).slice(0, ID_LENGTH);
}
