/** The places of the console's metering part, beneath `#/metering`. */
export type MeteringPlace =
  | { readonly page: 'overview' | 'tenants' | 'letters' | 'contracts' | 'prices' | 'keys' }
  | { readonly page: 'tenant'; readonly tenant: string }
  | { readonly page: 'letter'; readonly id: string }
  /** A null id makes a new one. */
  | { readonly page: 'contract' | 'price'; readonly id: string | null };

const LISTS = ['tenants', 'letters', 'contracts', 'prices', 'keys'] as const;

/** What comes after `metering` in the address, decoded; null where it means nothing. */
export function parsePlace(parts: readonly string[]): MeteringPlace | null {
  const [list = '', id, ...rest] = parts;
  if (rest.length > 0) return null;
  if (list === '') return id === undefined ? { page: 'overview' } : null;
  if (id === undefined || id === '') {
    if (list === 'new-contract') return { page: 'contract', id: null };
    if (list === 'new-price') return { page: 'price', id: null };
    const page = LISTS.find((known) => known === list);
    return page === undefined ? null : { page };
  }
  switch (list) {
    case 'tenants':
      return { page: 'tenant', tenant: id };
    case 'letters':
      return { page: 'letter', id };
    case 'contracts':
      return { page: 'contract', id };
    case 'prices':
      return { page: 'price', id };
    default:
      return null;
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
      return place.id === null ? `#/metering/new-${place.page}` : at(`${place.page}s`, place.id);
    default:
      return `#/metering/${place.page}`;
  }
}
