/** Tables line up, and the text of others can't steer the terminal. */
import { expect, test } from 'bun:test';
import { fit, printable, textTable } from './text-table.ts';

test('columns line up, numbers to the right', () => {
  const table = textTable(
    ['ID', 'N', 'TITLE'],
    [
      ['demo', '3', 'Quem?'],
      ['a', '100', 'É já'],
    ],
    ['N'],
  );
  expect(table).toBe('ID      N  TITLE\ndemo    3  Quem?\na     100  É já\n');
});

test('text is padded or cut to exactly the width that is asked for', () => {
  expect(fit('ab', 4)).toBe('ab  ');
  expect(fit('ab', 4, 'right')).toBe('  ab');
  expect(fit('abcdef', 4)).toBe('abc…');
  expect(fit('🗳🗳🗳', 2)).toBe('🗳…');
  expect(fit('abc', 0)).toBe('');
});

test('control characters of others are shown, not obeyed', () => {
  expect(printable('a\x1b[2Jb\r\nc\u202ed')).toBe('a\ufffd[2Jb\ufffd\ufffdc\ufffdd');
  expect(textTable(['T'], [['\x1b[31m']])).not.toContain('\x1b');
});
