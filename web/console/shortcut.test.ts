import { expect, test } from 'bun:test';
import { commandOf, SHORTCUTS } from './shortcut.ts';

const press = { key: 'p', ctrlKey: false, metaKey: false, altKey: false, isTyping: false };

test('a key is a command', () => {
  expect(commandOf(press)).toBe('pause-or-resume');
  expect(commandOf({ ...press, key: 'P' })).toBe('pause-or-resume');
  expect(commandOf({ ...press, key: '?' })).toBe('help');
  expect(commandOf({ ...press, key: 'z' })).toBeNull();
});

test('a letter of some text, or of a chord, is not', () => {
  expect(commandOf({ ...press, isTyping: true })).toBeNull();
  expect(commandOf({ ...press, ctrlKey: true })).toBeNull();
  expect(commandOf({ ...press, metaKey: true })).toBeNull();
  expect(commandOf({ ...press, altKey: true })).toBeNull();
});

test('each key means one thing', () => {
  expect(new Set(SHORTCUTS.map(({ key }) => key)).size).toBe(SHORTCUTS.length);
});
