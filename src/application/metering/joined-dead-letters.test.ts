import { describe, expect, test } from 'bun:test';
import { MemoryDeadLetters } from '../../adapters/memory/dead-letters.ts';
import type { DeadLetterQueue, DeadLetterReport } from '../../domain/metering/dead-letter.ts';
import type { DeadLetterFilter } from '../../ports/dead-letters.ts';
import { JoinedDeadLetters } from './joined-dead-letters.ts';

const ANY: DeadLetterFilter = { queue: null, state: null, tenant: null, code: null };
const BY = { actor: 'ana', at: 9_000 };

function report(number: number, queue: DeadLetterQueue, code = 'malformed'): DeadLetterReport {
  return {
    id: number.toString(16).padStart(64, '0'),
    queue,
    bytes: Uint8Array.of(number),
    origin: { logId: 'log', partition: 0, offset: number, index: null },
    tenant: 'acme',
    code,
    message: 'no pulse',
    failedAt: 1_000 + number,
  };
}

/** Eight letters, even ones of pulses, odd ones of usage. */
function room() {
  const pulses = new MemoryDeadLetters();
  const usage = new MemoryDeadLetters();
  const numbers = [0, 1, 2, 3, 4, 5, 6, 7];
  for (const number of numbers) {
    if (number % 2 === 0) pulses.report([report(number, 'resource-consumption.dlq')]);
    else usage.report([report(number, 'resource-usage.dlq', 'rating_unavailable')]);
  }
  return { letters: new JoinedDeadLetters(pulses, usage), pulses, usage };
}

const numbersOf = (letters: readonly { readonly bytes: Uint8Array }[]) =>
  letters.map(({ bytes }) => bytes[0]);

describe('the dead letters of two stores', () => {
  test.each([1, 2, 3, 8, 20])(
    'are one list, page by page of %d, each once and newest first',
    async (limit) => {
      const { letters } = room();
      const found: (number | undefined)[] = [];
      let cursor: string | null = null;
      do {
        const page = await letters.list(ANY, cursor, limit);
        expect(page.letters.length).toBeLessThanOrEqual(limit);
        found.push(...numbersOf(page.letters));
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(found).toEqual([7, 6, 5, 4, 3, 2, 1, 0]);
    },
  );

  test('are none where there are none', async () => {
    const { letters } = room();
    const page = await letters.list({ ...ANY, tenant: 'nobody' }, null, 5);
    expect(page).toEqual({ letters: [], nextCursor: null });
  });

  test('are found and decided about wherever they lie', async () => {
    const { letters, pulses, usage } = room();
    for (const number of [2, 3]) {
      const { id } = report(number, 'resource-usage.dlq');
      expect(numbersOf([await letters.get(id)].filter((letter) => letter !== null))).toEqual([
        number,
      ]);
      expect(await letters.resolve(id, ['PENDING'], 'DISCARDED', BY)).toBe('resolved');
      expect(await letters.resolve(id, ['PENDING'], 'DISCARDED', BY)).toBe('conflict');
    }
    expect(await letters.resolve('f'.repeat(64), ['PENDING'], 'DISCARDED', BY)).toBe('unknown');
    expect(await letters.get('f'.repeat(64))).toBeNull();
    expect(await letters.pending()).toEqual({
      'resource-consumption.dlq': 3,
      'resource-usage.dlq': 3,
    });
    expect(
      [await pulses.pending(), await usage.pending()].map((counts) => Object.values(counts)),
    ).toEqual([
      [3, 0],
      [0, 3],
    ]);
  });

  test('are tried again in the order in which they are due', async () => {
    const { letters, pulses } = room();
    pulses.report([report(9, 'resource-consumption.dlq', 'rating_unavailable')]);
    const due = await letters.due(10_000_000, 4);
    expect(numbersOf(due)).toEqual([1, 3, 5, 7]);
    expect(numbersOf(await letters.due(10_000_000, 9))).toEqual([1, 3, 5, 7, 9]);
  });
});
