/** Proves that any text survives CSV, and that no cell starts a formula. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { csvLine } from './csv.ts';

/** Reads one line as RFC 4180 says. */
function parse(line: string): string[] {
  const cells: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(,|\r\n$)/gy;
  for (let match = pattern.exec(line); match !== null; match = pattern.exec(line)) {
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] !== ',') break;
  }
  return cells;
}

describe('a line of CSV', () => {
  test('separates by commas and ends as RFC 4180 says', () => {
    expect(csvLine(['ana', 12, -0.5, true, null])).toBe('ana,12,-0.5,true,\r\n');
  });

  test('has amounts with all their digits', () => {
    const mantissa = -12_345_678_901_234_567_890_000_000_000_000_000_001n;
    expect(csvLine([{ mantissa, scale: 18 }])).toBe('-12345678901234567890.000000000000000001\r\n');
  });

  test('quotes what would break it', () => {
    expect(csvLine(['a,b', 'say "hi"', 'two\nlines', ' led'])).toBe(
      '"a,b","say ""hi""","two\nlines"," led"\r\n',
    );
  });

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '|cmd'])(
    'takes the formula out of %p',
    (text) => {
      expect(parse(csvLine([text]))[0]).toBe(`'${text}`);
    },
  );

  test('gives back every text, and none that a spreadsheet would run', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }),
        (cells) => {
          const read = parse(csvLine(cells));
          expect(read.map((cell, index) => (cell === cells[index] ? cell : cell.slice(1)))).toEqual(
            cells,
          );
          for (const cell of read) expect(cell).not.toMatch(/^[=+\-@\t\r\n|]/);
        },
      ),
    );
  });
});
