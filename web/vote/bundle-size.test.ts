/** Holds the voter page to its promise: at most 30 kB of script and style together, as a phone loads them. */
import { expect, test } from 'bun:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const GZIP_BYTES_MAX = 30_000;

async function gzipBytes(file: string): Promise<number> {
  const entrypoint = fileURLToPath(new URL(file, import.meta.url));
  const build = await Bun.build({ entrypoints: [entrypoint], target: 'browser', minify: true });
  const [output, ...others] = build.outputs;
  if (output === undefined || others.length > 0) throw new Error(`${file} is not one file`);
  return gzipSync(await output.arrayBuffer(), { level: 9 }).byteLength;
}

test('script and style together weigh at most 30 kB in gzip', async () => {
  const [script, style] = await Promise.all([gzipBytes('vote.ts'), gzipBytes('vote.css')]);
  expect(script).toBeGreaterThan(1_000);
  expect(style).toBeGreaterThan(1_000);
  expect(script + style).toBeLessThanOrEqual(GZIP_BYTES_MAX);
});
