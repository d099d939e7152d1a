/** The places of the console's metering part, beneath `#/metering`. */
import type { EditedKind } from './entries.ts';

export type MeteringPlace =
  | { readonly page: 'overview' | (typeof LISTS)[number] }
  | { readonly page: 'tenant'; readonly tenant: string }
  | { readonly page: 'letter'; readonly id: string }
  /** A null id makes a new one. */
  | { readonly page: EditedKind; readonly id: string | null };

/** Pages that list what there is, in the order in which they are offered. */
export const LISTS = [
  'tenants',
  'letters',
  'contracts',
  'prices',
  'products',
  'thresholds',
  'keys',
] as const;
const EDITED: readonly EditedKind[] = ['contract', 'price', 'product', 'threshold'];

/** What comes after `metering` in the address, decoded; null where it means nothing. */
export function parsePlace(parts: readonly string[]): MeteringPlace | null {
  const [list = '', id, ...rest] = parts;
  if (rest.length > 0) return null;
  if (list === '') return id === undefined ? { page: 'overview' } : null;
  if (id === undefined || id === '') {
    const made = EDITED.find((kind) => list === `new-${kind}`);
    if (made !== undefined) return { page: made, id: null };
    const page = LISTS.find((known) => known === list);
    return page === undefined ? null : { page };
  }
  switch (list) {
    case 'tenants':
      return { page: 'tenant', tenant: id };
    case 'letters':
      return { page: 'letter', id };
    default: {
      const kind = EDITED.find((each) => list === `${each}s`);
      return kind === undefined ? null : { page: kind, id };
    }
  }
}

export function hrefOfPlace(place: MeteringPlace): string {
  const at = (list: string, id: string) => `#/metering/${list}/${encodeURIComponent(id)}`;
  switch (place.page) {
    case 'overview':
      return '#/metering';
    case 'tenant':
      return at('tenants', place.tenant);
    case 'letter':
      return at('letters', place.id);
    case 'contract':
    case 'price':
    case 'product':
    case 'threshold':
      return place.id === null ? `#/metering/new-${place.page}` : at(`${place.page}s`, place.id);
    default:
      return `#/metering/${place.page}`;
  }
}
