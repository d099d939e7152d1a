import { expect, test } from 'bun:test';
import { toCsv } from './csv.ts';

test('a table is RFC 4180 text that spreadsheets read as UTF-8', () => {
  expect(toCsv([['a', 1, null]])).toBe('\uFEFFa,1,\r\n');
});

test('commas, quotes and line breaks stay inside their cell', () => {
  expect(toCsv([['a,b', 'say "x"', 'two\nlines']])).toBe(
    '\uFEFF"a,b","say ""x""","two\nlines"\r\n',
  );
});

test('a name can not become a formula', () => {
  expect(toCsv([['=1+1', '@x', '-2', 'ok']])).toBe("\uFEFF'=1+1,'@x,'-2,ok\r\n");
  expect(toCsv([[-2]])).toBe('\uFEFF-2\r\n');
});
