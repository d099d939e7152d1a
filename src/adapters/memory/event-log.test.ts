import { expect, test } from 'bun:test';
import { memoryEventLog } from '../../../test/support/memory-harness.ts';
import { eventLogContract } from '../../ports/event-log.contract.ts';
import { MemoryEventLog, MemoryLogStore } from './event-log.ts';

eventLogContract('memory', memoryEventLog, memoryEventLog);

test('an append can be told to fail with any part of it appended', async () => {
  const store = new MemoryLogStore('log', 1);
  const log = new MemoryEventLog(store);
  const blocks = [1, 2, 3].map((n) => ({ partition: 0, bytes: Uint8Array.of(n) }));
  store.failNextAppend({ code: 'append_unknown', appended: 2 });
  await expect(log.append(blocks)).rejects.toMatchObject({ code: 'append_unknown' });
  expect(await log.bounds(0)).toEqual({ start: 0, end: 2 });
  store.failNextAppend({ code: 'log_unavailable', appended: 0 });
  await expect(log.append(blocks)).rejects.toMatchObject({ code: 'log_unavailable' });
  expect(await log.append(blocks)).toEqual([2, 3, 4]);
});

test('a rewound log ends where it was cut', async () => {
  const store = new MemoryLogStore('log', 1);
  const log = new MemoryEventLog(store);
  await log.append([1, 2, 3].map((n) => ({ partition: 0, bytes: Uint8Array.of(n) })));
  store.rewind(0, 1);
  expect(await log.bounds(0)).toEqual({ start: 0, end: 1 });
  await expect(log.read(0, 3, 1)).rejects.toMatchObject({ code: 'log_rewound' });
});

test('a partition that the log does not have is a mistake of the caller', async () => {
  const log = new MemoryEventLog(new MemoryLogStore('log', 1));
  await expect(log.bounds(1)).rejects.toThrow(RangeError);
});
