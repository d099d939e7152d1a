import { expect, test } from 'bun:test';
import { columnsOf, keyOf, logged, NOON } from '../../../test/support/pulse-samples.ts';
import { MemoryArchive } from '../../adapters/memory/archive.ts';
import type { Archive, ArchivedEvent } from '../../ports/archive.ts';
import { LOG_ID } from '../../ports/store-under-test.ts';
import { readArchivedPulses } from './read-archived-pulses.ts';

const EVER = { logId: LOG_ID, from: 0, to: Number.MAX_SAFE_INTEGER };

/** An archive whose pulses are changed on their way out. */
async function changed(
  change: (pulse: ArchivedEvent, at: number) => ArchivedEvent,
): Promise<Pick<Archive, 'read'>> {
  const archive = new MemoryArchive();
  const pulses = ['a', 'b', 'c'].map((id) => logged({ id, amount: '-1.50', offset: 7 }));
  await archive.put(LOG_ID, 3, columnsOf(pulses));
  return {
    async *read(...args) {
      for await (const page of archive.read(...args)) yield page.map(change);
    },
  };
}

test('archived pulses are read as they were sent, and what is none is told apart', async () => {
  const archive = await changed((pulse, at) =>
    at === 1 ? { ...pulse, bytes: Uint8Array.of(0xff) } : pulse,
  );
  const unreadable: string[] = [];
  const pages = await Array.fromAsync(
    readArchivedPulses(archive, EVER, ({ key }) => unreadable.push(key)),
  );
  const expected = (id: string) => {
    const one = logged({ id, amount: '-1.50' });
    const { pulse, receivedAt } = one;
    return { key: keyOf(one), pulse, receivedAt, partition: 3, offset: 7 };
  };
  expect(pages).toEqual([[expected('a'), expected('c')]]);
  expect(pages[0]?.[0]?.pulse.occurredAt).toBe(NOON);
  expect(unreadable).toEqual([keyOf(logged({ id: 'b' }))]);
});

test('a mistake of the program is not taken for a bad pulse', async () => {
  const bytes = new Proxy(new Uint8Array(1), {
    get() {
      throw new TypeError('a mistake');
    },
  });
  const archive = await changed((pulse) => ({ ...pulse, bytes }));
  const reading = Array.fromAsync(readArchivedPulses(archive, EVER, () => {}));
  await expect(reading).rejects.toThrow('a mistake');
});
