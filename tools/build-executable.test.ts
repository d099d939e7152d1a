/** Proves that an executable runs alone: with its threads and its pages inside, and without its checkout. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildExecutable } from './build-executable.ts';

setDefaultTimeout(60_000);

const assetsModule = fileURLToPath(new URL('../src/edge/http/assets.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'apura-executable-'));
const checkout = join(folder, 'checkout');
const outfile = join(folder, 'apura');

function write(path: string, text: string): void {
  mkdirSync(dirname(join(checkout, path)), { recursive: true });
  writeFileSync(join(checkout, path), text);
}

beforeAll(() => {
  write(
    'src/main.ts',
    `import { Worker } from 'node:worker_threads';
    import { loadAssets } from '${assetsModule}';
    const assets = await loadAssets();
    const url = assets.url('vote.js');
    const response = assets.respond(new Request('http://localhost' + url), 'vote-1.js');
    const name = 'double';
    const worker = new Worker(new URL('./threads/' + name + '.ts', import.meta.url), { workerData: 21 });
    worker.on('message', async (doubled) => {
      console.log(JSON.stringify({ doubled, url, script: await response.text(), arguments: process.argv.slice(2), leaked: process.env.LEAKED ?? null }));
      process.exit(0);
    });`,
  );
  write(
    'src/threads/double.ts',
    `import { parentPort, workerData } from 'node:worker_threads';
    import { double } from '../double.ts';
    parentPort?.postMessage(double(workerData));`,
  );
  write('src/double.ts', 'export const double = (n: number): number => n * 2;');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a build without the pages names the command that makes them', async () => {
  await expect(buildExecutable({ root: checkout, outfile })).rejects.toThrow('make setup');
});

test('an executable finds its threads and pages inside itself, and ignores a .env file', async () => {
  write('dist/web/manifest.json', '{"vote.js":"vote-1.js"}');
  write('dist/web/vote-1.js', 'vote()');
  await buildExecutable({ root: checkout, outfile });
  renameSync(checkout, `${checkout}-gone`);
  writeFileSync(join(folder, '.env'), 'LEAKED=1\n');

  const run = Bun.spawnSync([outfile, 'serve', '--http-port=0'], { cwd: folder });
  expect(run.stderr.toString()).toBe('');
  expect(JSON.parse(run.stdout.toString())).toEqual({
    doubled: 42,
    url: '/assets/vote-1.js',
    script: 'vote()',
    arguments: ['serve', '--http-port=0'],
    leaked: null,
  });
});
