import { expect, test } from 'bun:test';
import { MeteringWorks, pulse } from '../../../test/support/metering-works.ts';
import { ApuraError } from '../../domain/errors.ts';
import { USAGE_WINDOW_MS } from '../../domain/metering/usage.ts';
import { askUsage, dayBounds, END_OF_TIME, windowBounds } from './ask-usage.ts';
import { compareNumber, DIFFERENCES_MAX, DifferenceList } from './metering-difference.ts';

const NOON = Date.UTC(2026, 2, 5, 12);
const DAY = 86_400_000;

test('bounds give each window one of its own, and leave no time out', () => {
  expect(windowBounds([])).toEqual([0, END_OF_TIME]);
  const [next, later] = [NOON + USAGE_WINDOW_MS, NOON + DAY];
  expect(windowBounds([NOON, next, later])).toEqual([
    ...[0, NOON, next, next + USAGE_WINDOW_MS, later, later + USAGE_WINDOW_MS],
    END_OF_TIME,
  ]);
  const midnight = NOON - DAY / 2;
  expect(dayBounds([NOON, next, later])).toEqual([
    ...[0, midnight, midnight + DAY, midnight + 2 * DAY],
    END_OF_TIME,
  ]);
  expect(windowBounds([0])).toEqual([0, USAGE_WINDOW_MS, END_OF_TIME]);
});

test('a tenant with more rows than one answer holds is asked about in parts', async () => {
  const works = new MeteringWorks('2026-03-05T13:00');
  const times = Array.from({ length: 7 }, (_, at) => NOON - at * USAGE_WINDOW_MS).reverse();
  await works.send(...times.map((occurredAt) => pulse(`p-${occurredAt}`, '1', { occurredAt })));
  const bounds = windowBounds(times);
  const all = await askUsage(works.ledger, 'acme', bounds);
  expect(all.map(({ start }) => start)).toEqual(times);
  expect(await askUsage(works.ledger, 'acme', bounds, 2)).toEqual(all);
  await expect(askUsage(works.ledger, 'acme', bounds, 0)).rejects.toThrow(ApuraError);
  const usage = async (): Promise<never> => {
    throw new Error('gone');
  };
  await expect(askUsage({ usage }, 'acme', bounds)).rejects.toThrow('gone');
});

test('of a great many differences the first are kept, and all are counted', () => {
  const list = new DifferenceList();
  const one = compareNumber('pulse ledger', 0, 'keys', 1, 2);
  for (let count = 0; count <= DIFFERENCES_MAX; count += 1) list.add(...one);
  expect(list.kept).toHaveLength(DIFFERENCES_MAX);
  expect(list.total).toBe(DIFFERENCES_MAX + 1);
  expect(compareNumber('pulse ledger', 0, 'keys', 1, 1)).toEqual([]);
});
