import { describe, expect, test } from 'bun:test';
import { Worker } from 'node:worker_threads';
import { SharedOffsets } from './shared-offsets.ts';

const LONG_MS = 60_000;

describe('shared offsets', () => {
  test('are zero at first, and each keeps what it was set to', () => {
    const offsets = new SharedOffsets(3);
    expect([0, 1, 2].map((slot) => offsets.get(slot))).toEqual([0, 0, 0]);
    offsets.set(1, Number.MAX_SAFE_INTEGER);
    offsets.set(2, 7);
    expect([0, 1, 2].map((slot) => offsets.get(slot))).toEqual([0, Number.MAX_SAFE_INTEGER, 7]);
  });

  test('are the same ones over the same buffer', () => {
    const one = new SharedOffsets(2);
    const other = new SharedOffsets(one.buffer);
    one.set(1, 5);
    expect(other.get(1)).toBe(5);
  });
});

describe('an announcement', () => {
  test('wakes who waits for it, in any handle', async () => {
    const one = new SharedOffsets(1);
    const other = new SharedOffsets(one.buffer);
    const waiting = other.announced(other.changes, LONG_MS);
    one.set(0, 3);
    one.announce();
    await waiting;
    expect(other.get(0)).toBe(3);
  });

  test('made between looking and waiting is not missed', async () => {
    const offsets = new SharedOffsets(1);
    const seen = offsets.changes;
    offsets.announce();
    await offsets.announced(seen, LONG_MS);
  });

  test('is needed: a number that is only set wakes nobody', async () => {
    const offsets = new SharedOffsets(1);
    let woken = false;
    const waiting = offsets.announced(offsets.changes, LONG_MS).then(() => {
      woken = true;
    });
    offsets.set(0, 1);
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(woken).toBe(false);
    offsets.announce();
    await waiting;
  });

  test('that does not come is waited for no longer than told', async () => {
    const offsets = new SharedOffsets(1);
    await offsets.announced(offsets.changes, 1);
  });

  test('wakes another thread, which reads what was set before it', async () => {
    const offsets = new SharedOffsets(1);
    const path = new URL('./shared-offsets.ts', import.meta.url).href;
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      // The wait alone keeps no thread alive.
      parentPort.on('message', () => {});
      import(${JSON.stringify(path)}).then(async ({ SharedOffsets }) => {
        const offsets = new SharedOffsets(workerData);
        const seen = offsets.changes;
        parentPort.postMessage('waiting');
        await offsets.announced(seen, ${LONG_MS});
        parentPort.postMessage(offsets.get(0));
      });
    `;
    const worker = new Worker(code, { eval: true, workerData: offsets.buffer });
    try {
      const messages: unknown[] = [];
      await new Promise<void>((resolve, reject) => {
        worker.on('error', reject);
        worker.on('message', (message) => {
          messages.push(message);
          if (message !== 'waiting') return resolve();
          offsets.set(0, 42);
          offsets.announce();
        });
      });
      expect(messages).toEqual(['waiting', 42]);
    } finally {
      await worker.terminate();
    }
  });
});
