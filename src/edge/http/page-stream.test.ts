/** Proves that a stream holds every line, reads no further than it is read, and never passes a failure off as an end. */
import { describe, expect, test } from 'bun:test';
import { streamLines } from './page-stream.ts';

async function* pagesOf(pages: number, items: number, log: string[] = []) {
  try {
    for (let page = 0; page < pages; page += 1) {
      log.push(`page ${page}`);
      yield Array.from({ length: items }, (_, index) => page * items + index);
    }
  } finally {
    log.push('closed');
  }
}
const line = (item: number) => `${item}\n`;

describe('a stream of lines', () => {
  test('is the head and then every line, in order', async () => {
    const text = await new Response(streamLines('head\n', pagesOf(3, 1_234), line)).text();
    const numbers = Array.from({ length: 3 * 1_234 }, (_, index) => `${index}\n`).join('');
    expect(text).toBe(`head\n${numbers}`);
  });

  test('without pages is the head, without either empty', async () => {
    expect(await new Response(streamLines('head\n', pagesOf(0, 0), line)).text()).toBe('head\n');
    expect(await new Response(streamLines('', pagesOf(2, 0), line)).text()).toBe('');
  });

  test('asks for a page when the one before has been read', async () => {
    const log: string[] = [];
    const reader = streamLines('', pagesOf(100, 1_000, log), line).getReader();
    await reader.read();
    await reader.read();
    for (let turns = 0; turns < 50; turns += 1) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    expect(log.length).toBeLessThanOrEqual(2);
    await reader.cancel();
  });

  test('lets go of its pages when its reader goes away', async () => {
    const log: string[] = [];
    const reader = streamLines('', pagesOf(100, 10, log), line).getReader();
    await reader.read();
    await reader.cancel();
    expect(log.at(-1)).toBe('closed');
  });

  test('breaks off where a page fails', async () => {
    async function* failing() {
      yield [1];
      throw new Error('the ledger is gone');
    }
    const response = new Response(streamLines('', failing(), line));
    await expect(response.text()).rejects.toThrow();
  });
});
