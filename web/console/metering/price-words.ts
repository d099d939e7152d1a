/** A price in one line, as lists show it. */
import { decimalShown } from './decimal-text.ts';
import type { Price } from './entries.ts';
import type { MeteringMessages } from './messages-pt-br.ts';

export function priceWords(
  price: Price,
  currency: string,
  w: MeteringMessages,
  lang: string,
): string {
  const money = (text: string | undefined) => `${decimalShown(text ?? '0', lang)} ${currency}`;
  switch (price.model) {
    case 'flat':
      return w.priceFlat(money(price.price));
    case 'per_unit':
      return w.pricePerUnit(money(price.unitPrice), price.unit);
    case 'package':
      return w.pricePackage(
        money(price.price),
        `${decimalShown(price.quantityPerPackage ?? '0', lang)} ${price.unit}`,
      );
    case 'tiered':
      return w.priceTiered(
        String(price.tiers?.length ?? 0),
        w.tiersMode[price.tiersMode ?? 'graduated'].toLowerCase(),
        currency,
      );
  }
}
