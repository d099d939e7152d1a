/** Contracts of one tenant, and list prices of one product, never hold at the same time: which one does is plain. */
import type { Contract, ListPrice } from './contract.ts';

/** `[validFrom, validTo)`, ms; null: for ever. */
interface Validity {
  readonly validFrom: number;
  readonly validTo: number | null;
}

/** Whether there is an instant at which both hold. One that ends when the other begins does not overlap it. */
export function overlaps(left: Validity, right: Validity): boolean {
  return endOf(left) > right.validFrom && endOf(right) > left.validFrom;
}

/** The end of a validity in numbers. */
export function endOf({ validTo }: Validity): number {
  return validTo ?? Number.POSITIVE_INFINITY;
}

/** Another contract of the same tenant that holds at the same time; null where there is none. */
export function overlappingContract(
  contract: Contract,
  contracts: readonly Contract[],
): Contract | null {
  const others = contracts.filter(({ id, tenant }) => {
    return tenant === contract.tenant && id !== contract.id;
  });
  return others.find((other) => overlaps(contract, other)) ?? null;
}

/** Another list price of the same sku, unit and currency that holds at the same time; null where there is none. */
export function overlappingPrice(price: ListPrice, prices: readonly ListPrice[]): ListPrice | null {
  const others = prices.filter(
    ({ id, sku, unit, currency }) =>
      id !== price.id && sku === price.sku && unit === price.unit && currency === price.currency,
  );
  return others.find((other) => overlaps(price, other)) ?? null;
}
