import { expect, test } from 'bun:test';
import { FAILURES_SHOWN_MAX, NO_OUTCOME, withAnswer } from './letter-outcome.ts';

test('every letter is told for, and of those that failed the first ones by name', () => {
  const failure = (id: number) => ({ id: String(id), code: 'log_mismatch', detail: '' });
  const failures = Array.from({ length: FAILURES_SHOWN_MAX + 2 }, (_, i) => failure(i));
  const [first, ...others] = failures;
  if (first === undefined) throw new Error('There are no failures.');
  const one = withAnswer(NO_OUTCOME, { resolved: 499, failed: [first], nextCursor: 'next' });
  expect(one).toEqual({ resolved: 499, failed: 1, shown: [first] });
  expect(withAnswer(one, { resolved: 3, failed: others, nextCursor: null })).toEqual({
    resolved: 502,
    failed: FAILURES_SHOWN_MAX + 2,
    shown: failures.slice(0, FAILURES_SHOWN_MAX),
  });
});
