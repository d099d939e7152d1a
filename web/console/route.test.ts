import { expect, test } from 'bun:test';
import { hrefOf, parseRoute, type Route } from './route.ts';

test('a place survives its address', () => {
  const places: readonly Route[] = [
    { place: 'home' },
    { place: 'new', isSample: false },
    { place: 'new', isSample: true },
    { place: 'poll', poll: 'final-2026' },
    { place: 'wall', poll: 'a b/ç' },
  ];
  for (const place of places) expect(parseRoute(hrefOf(place))).toEqual(place);
});

test('an address that means nothing leads home', () => {
  for (const hash of ['', '#', '#/polls', '#/polls/', '#/x/y', '#/polls/a/b', '#/polls/%E0']) {
    expect(parseRoute(hash)).toEqual({ place: 'home' });
  }
});
