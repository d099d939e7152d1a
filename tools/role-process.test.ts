import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '../test/support/wait-until.ts';
import { memoryBelow } from './process-memory.ts';
import { keepRole } from './role-process.ts';

test('a role that dies is said and started again, and one that is stopped is not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'apura-role-'));
  const said: string[] = [];
  const role = keepRole({
    name: 'ingest-1',
    command: ['sleep', '1000'],
    env: { PATH: process.env.PATH },
    port: 1,
    logFile: join(folder, 'ingest-1.log'),
    say: (words) => said.push(words),
  });
  const sleepers = () => memoryBelow(process.pid).filter(({ command }) => command === 'sleep 1000');
  const [first] = await waitUntil('the process', () =>
    sleepers().length === 1 ? sleepers() : null,
  );
  expect(first?.rssBytes).toBeGreaterThan(0);
  expect(first?.shareBytes).toBeLessThanOrEqual(first?.rssBytes ?? 0);
  if (first !== undefined) process.kill(first.pid, 'SIGKILL');
  await waitUntil('another in its place', () => sleepers().some(({ pid }) => pid !== first?.pid));
  expect(role.restarts).toBe(1);
  expect(said).toHaveLength(1);
  expect(said[0]).toStartWith('!! ingest-1 has died (SIGKILL)');
  expect(await role.isReady()).toBe(false);
  await role[Symbol.asyncDispose]();
  expect(sleepers()).toEqual([]);
  expect(said).toHaveLength(1);
  rmSync(folder, { recursive: true, force: true });
});
