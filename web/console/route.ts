/** The console's places, kept in the address's fragment so that a reload or a shared link finds them. */
import { hrefOfPlace, type MeteringPlace, parsePlace } from './metering/place.ts';

export type Route =
  | { readonly place: 'home' }
  | { readonly place: 'new'; readonly isSample: boolean }
  | { readonly place: 'poll'; readonly poll: string }
  | { readonly place: 'wall'; readonly poll: string }
  | { readonly place: 'metering'; readonly at: MeteringPlace };

export function parseRoute(hash: string): Route {
  const [place, id, ...rest] = hash.replace(/^#\/?/, '').split('/');
  if (place === 'metering') {
    const parts = [...(id === undefined ? [] : [id]), ...rest].map(decode);
    return { place: 'metering', at: parsePlace(parts) ?? { page: 'overview' } };
  }
  if (rest.length > 0) return { place: 'home' };
  if (place === 'new') return { place: 'new', isSample: id === 'sample' };
  const poll = decode(id ?? '');
  if (poll === '') return { place: 'home' };
  if (place === 'polls') return { place: 'poll', poll };
  return place === 'wall' ? { place: 'wall', poll } : { place: 'home' };
}

export function hrefOf(route: Route): string {
  switch (route.place) {
    case 'home':
      return '#/';
    case 'new':
      return route.isSample ? '#/new/sample' : '#/new';
    case 'poll':
      return `#/polls/${encodeURIComponent(route.poll)}`;
    case 'wall':
      return `#/wall/${encodeURIComponent(route.poll)}`;
    case 'metering':
      return hrefOfPlace(route.at);
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
