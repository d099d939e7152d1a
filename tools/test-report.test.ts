/** Proves that no failure of a run can be read as a success, on reports as Bun writes them. */
import { describe, expect, test } from 'bun:test';
import {
  firstFailures,
  parseAllowedSkips,
  parseJunit,
  parseLoadErrors,
  parseTotals,
} from './test-report.ts';

const OUTPUT = `
src/b.test.ts:

# Unhandled error between tests
-------------------------------
error: Cannot find module './nowhere.ts' from 'src/b.test.ts'
-------------------------------

 1 pass
 1 skip
 2 todo
 5 fail
 1 error
 5 expect() calls
Ran 9 tests across 3 files. [238.00ms]
`;

const JUNIT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="5" assertions="5" failures="2" skipped="2" time="0.23">
  <testsuite name="src/a.test.ts" file="src/a.test.ts" tests="5" failures="2" skipped="2">
    <testsuite name="a group" file="src/a.test.ts" line="4" tests="5" failures="2" skipped="2">
      <testcase name="uses" classname="a group" time="0.0001" file="src/a.test.ts" line="5" assertions="4" />
      <testcase name="skipped one" classname="a group" time="0" file="src/a.test.ts" line="6" assertions="0">
        <skipped />
      </testcase>
      <testcase name="todo one" classname="a group" time="0" file="src/a.test.ts" line="7" assertions="0">
        <skipped message="TODO" />
      </testcase>
      <testcase name="fails &lt;&amp; &quot;quoted&quot;" classname="" time="0.0015" file="src/a.test.ts" line="8" assertions="1">
        <failure type="AssertionError" message="short">AssertionError: expect(1)&#10;  at src/a.test.ts:8:50&#x21;</failure>
      </testcase>
      <testcase name="hangs" classname="a group" time="0.200023" file="src/a.test.ts" line="10" assertions="0">
        <failure type="TimeoutError" message="test timed out" />
      </testcase>
    </testsuite>
  </testsuite>
</testsuites>`;

describe('totals', () => {
  test('are those that the run printed last, todos among the skipped', () => {
    expect(parseTotals(OUTPUT)).toEqual({ passed: 1, failed: 5, skipped: 3 });
  });

  test('of a run that was cut short are unknown, not zero', () => {
    expect(parseTotals('(pass) a > b [1ms]\n(fail) a > c')).toBeNull();
    expect(parseTotals('')).toBeNull();
  });
});

test('an error outside of any test is found with its cause', () => {
  expect(parseLoadErrors(OUTPUT)).toEqual([
    "error: Cannot find module './nowhere.ts' from 'src/b.test.ts'",
  ]);
});

test('each test is known by its file, line, full name, outcome and cause', () => {
  expect(parseJunit(JUNIT)).toEqual([
    { file: 'src/a.test.ts', line: 5, name: 'a group > uses', outcome: 'passed', cause: '' },
    {
      file: 'src/a.test.ts',
      line: 6,
      name: 'a group > skipped one',
      outcome: 'skipped',
      cause: '',
    },
    { file: 'src/a.test.ts', line: 7, name: 'a group > todo one', outcome: 'skipped', cause: '' },
    {
      file: 'src/a.test.ts',
      line: 8,
      name: 'fails <& "quoted"',
      outcome: 'failed',
      cause: 'AssertionError: expect(1)\n  at src/a.test.ts:8:50!',
    },
    {
      file: 'src/a.test.ts',
      line: 10,
      name: 'a group > hangs',
      outcome: 'failed',
      cause: 'test timed out',
    },
  ]);
});

test('of a file whose tests fail one after the other the first one stands for all, with its cause', () => {
  const [story] = parseJunit(JUNIT).filter(({ outcome }) => outcome === 'failed');
  if (story === undefined) throw new Error('One of them failed.');
  expect(firstFailures(parseJunit(JUNIT))).toEqual([
    'src/a.test.ts:8 fails <& "quoted" (and 1 more of this file): ' +
      'AssertionError: expect(1) at src/a.test.ts:8:50!',
  ]);
  const long = { ...story, file: 'src/c.test.ts', cause: 'x'.repeat(9_999) };
  expect(firstFailures([long])[0]?.length).toBeLessThan(600);
  expect(firstFailures([{ ...story, outcome: 'passed' }])).toEqual([]);
});

test('a skip is allowed by its full name and only with a reason', () => {
  const page =
    '# Title\n\n- `a > b`: needs a raw disk.\n- `a > c`\n- `a > d`:\nand `a > e` in passing: no.\n';
  expect([...parseAllowedSkips(page)]).toEqual(['a > b']);
});
