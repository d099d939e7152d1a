/** Proves that code which no test reached cannot hide: neither in a line, nor in a function, nor in a whole file. */
import { describe, expect, test } from 'bun:test';
import { findGaps, formatLines, mergeCoverage, parseLcov, uncoveredLines } from './coverage.ts';

const LCOV = `TN:
SF:src/domain/a.ts
FNF:3
FNH:2
DA:1,1
DA:2,0
DA:10,4
LF:3
LH:2
end_of_record
TN:
SF:src/domain/b.ts
FNF:1
FNH:1
DA:1,1
LF:1
LH:1
end_of_record
`;

const [a, b] = parseLcov(LCOV);
if (a === undefined || b === undefined) throw new Error('the sample holds two files');

test('a tracefile is read by file, line and number of functions', () => {
  expect(a).toEqual({
    path: 'src/domain/a.ts',
    lines: new Map([
      [1, 1],
      [2, 0],
      [10, 4],
    ]),
    functionsFound: 3,
    functionsHit: 2,
  });
  expect(b.path).toBe('src/domain/b.ts');
  expect(uncoveredLines(a)).toEqual([2]);
});

test('lines add up over runs, and functions are never counted twice', () => {
  const other = {
    ...a,
    lines: new Map([
      [1, 0],
      [2, 5],
    ]),
    functionsHit: 1,
  };
  const [merged] = mergeCoverage([[a, b], [other]]);
  expect(merged?.lines).toEqual(
    new Map([
      [1, 1],
      [2, 5],
      [10, 4],
    ]),
  );
  expect(merged?.functionsHit).toBe(2);
});

test('neighbouring lines are drawn together', () => {
  expect(formatLines([3, 4, 5, 9, 11, 12])).toBe('3-5, 9, 11-12');
  expect(formatLines([])).toBe('');
});

describe('a gap', () => {
  const report = [a, b];
  const whole = { ...a, lines: new Map([[1, 1]]), functionsHit: 3 };

  test('is a line that no test reached', () => {
    expect(findGaps(report, ['src/domain'], new Map())).toEqual([
      'src/domain/a.ts: no test reaches line 2',
    ]);
  });

  test('is a function that no test called, though its line ran', () => {
    const file = { ...whole, functionsHit: 1 };
    expect(findGaps([file], ['src/domain'], new Map())).toEqual([
      'src/domain/a.ts: no test calls 2 of its 3 functions',
    ]);
  });

  test('is a file with code that no test loaded', () => {
    const sources = new Map([
      ['src/domain/a.ts', 'export const a = 1;'],
      ['src/domain/lost.ts', 'export const lost = 1;'],
      ['src/domain/shapes.ts', "import type { A } from './a.ts';\nexport interface Shape { a: A }"],
      ['src/domain/passed-on.ts', "export { a } from './a.ts';"],
    ]);
    expect(findGaps([whole], ['src/domain'], sources)).toEqual([
      'src/domain/lost.ts: no test loads this file',
    ]);
  });

  test('is of no interest outside the folders that are held to it', () => {
    expect(findGaps(report, ['src/application', 'src/dom'], new Map())).toEqual([]);
  });
});
