import { afterEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockFolder } from './folder-lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'apura-lock-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const CHILD = `
  const { lockFolder } = await import(${JSON.stringify(new URL('./folder-lock.ts', import.meta.url).href)});
  try { lockFolder(process.argv.at(-1)); console.log('held'); await Bun.stdin.text(); }
  catch (error) { console.log(error.code); }
`;

async function childSays(): Promise<{ said: string; kill: () => Promise<number> }> {
  const child = Bun.spawn([process.execPath, '-e', CHILD, folder], {
    stdin: 'pipe',
    stdout: 'pipe',
  });
  const { value } = await child.stdout.getReader().read();
  const kill = (): Promise<number> => {
    child.kill('SIGKILL');
    return child.exited;
  };
  return { said: new TextDecoder().decode(value).trim(), kill };
}

test('a folder has one owner, and a killed owner leaves it free', async () => {
  const first = await childSays();
  expect(first.said).toBe('held');
  const second = await childSays();
  expect(second.said).toBe('data_folder_locked');
  expect(() => lockFolder(folder)).toThrow('Another process works in');
  await Promise.all([first.kill(), second.kill()]);
  lockFolder(folder)[Symbol.dispose]();
});
