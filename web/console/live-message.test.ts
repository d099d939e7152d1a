import { expect, test } from 'bun:test';
import { tickWith } from './live-fixtures.ts';
import { parseLiveMessage } from './live-message.ts';

test('a message is read from its text', () => {
  expect(parseLiveMessage(JSON.stringify(tickWith()))).toEqual(tickWith());
});

test('what is no message, or one of a newer server, is passed over', () => {
  for (const text of ['', '{', 'null', '3', '{}', '{"type":"tomorrow"}', '{"type":null}']) {
    expect(parseLiveMessage(text)).toBeNull();
  }
});
