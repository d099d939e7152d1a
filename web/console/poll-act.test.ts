import { expect, test } from 'bun:test';
import { POLL_STATES } from './poll.ts';
import { actsOf, confirms, isEditable, isIrreversible, isLive } from './poll-act.ts';

test('each state offers what can be done in it, and nothing else', () => {
  const offered = Object.fromEntries(POLL_STATES.map((state) => [state, actsOf(state)]));
  expect(offered).toEqual({
    draft: ['open', 'archive'],
    scheduled: ['open', 'archive'],
    open: ['pause', 'close'],
    paused: ['resume', 'close'],
    closing: [],
    closed: ['publish'],
    published: ['archive'],
    archived: [],
  });
});

test('closing and publishing have no way back', () => {
  expect(isIrreversible('close') && isIrreversible('publish')).toBe(true);
  expect(isIrreversible('pause') || isIrreversible('open')).toBe(false);
});

test('a word confirms whatever its case and accents, and nothing shorter does', () => {
  expect(confirms(' publicár ', 'PUBLICAR')).toBe(true);
  expect(confirms('PUBLICA', 'PUBLICAR')).toBe(false);
  expect(confirms('', 'PUBLICAR')).toBe(false);
});

test('a poll is edited before it opens and is live until it is closed', () => {
  expect(POLL_STATES.filter(isEditable)).toEqual(['draft', 'scheduled']);
  expect(POLL_STATES.filter(isLive)).toEqual(['open', 'paused', 'closing']);
});
