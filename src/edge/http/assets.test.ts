/** Proves that assets are served as built, packed when asked, cached for good, and that a missing build says so. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { ApuraError } from '../../domain/errors.ts';
import { type AssetCatalogue, loadAssets } from './assets.ts';

const SCRIPT = 'console.log("vote");\n'.repeat(20);
const folder = mkdtempSync(join(tmpdir(), 'apura-assets-'));
let assets: AssetCatalogue;

beforeAll(async () => {
  writeFileSync(
    join(folder, 'manifest.json'),
    JSON.stringify({ 'vote.js': 'vote-1.js', 'vote.css': 'vote-2.css' }),
  );
  writeFileSync(join(folder, 'vote-1.js'), SCRIPT);
  writeFileSync(join(folder, 'vote-1.js.gz'), gzipSync(SCRIPT));
  writeFileSync(join(folder, 'vote-2.css'), 'a{}');
  writeFileSync(join(folder, 'stray.js'), 'not in the manifest');
  assets = await loadAssets(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function ask(file: string, headers: Record<string, string> = {}, method = 'GET'): Response {
  const request = new Request(`http://localhost/assets/${file}`, { method, headers });
  const response = assets.respond(request, file);
  if (response === null) throw new Error(`${file} was not found`);
  return response;
}

describe('the addresses of assets', () => {
  test('a logical name gives the address of the hashed file', () => {
    expect(assets.url('vote.js')).toBe('/assets/vote-1.js');
  });

  test('an unknown logical name is a mistake in the code', () => {
    expect(() => assets.url('absent.js')).toThrow(ApuraError);
  });
});

describe('an answer', () => {
  test('carries the bytes, the media type and permission to cache for good', async () => {
    const response = ask('vote-1.js');
    expect(await response.text()).toBe(SCRIPT);
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('vary')).toBe('accept-encoding');
    expect(response.headers.get('content-encoding')).toBeNull();
  });

  test.each(['gzip', 'br, gzip;q=0.8', 'GZIP', '*'])('is packed for "%s"', async (accepted) => {
    const response = ask('vote-1.js', { 'accept-encoding': accepted });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(gunzipSync(await response.bytes()).toString()).toBe(SCRIPT);
  });

  test.each(['', 'br', 'gzip;q=0', '*, gzip;q=0'])('is plain for "%s"', (accepted) => {
    const response = ask('vote-1.js', { 'accept-encoding': accepted });
    expect(response.headers.get('content-encoding')).toBeNull();
  });

  test('is plain where no packed file was built', () => {
    const response = ask('vote-2.css', { 'accept-encoding': 'gzip' });
    expect(response.headers.get('content-encoding')).toBeNull();
    expect(response.headers.get('content-type')).toBe('text/css; charset=utf-8');
  });

  test('to HEAD has the length and no body', async () => {
    const response = ask('vote-2.css', {}, 'HEAD');
    expect(response.headers.get('content-length')).toBe('3');
    expect(await response.text()).toBe('');
  });

  test('to a client that holds the file is 304, also through a proxy that weakened the tag', () => {
    const etag = ask('vote-1.js').headers.get('etag') ?? '';
    expect(ask('vote-1.js', { 'if-none-match': etag }).status).toBe(304);
    expect(ask('vote-1.js', { 'if-none-match': `"x", W/${etag}` }).status).toBe(304);
    expect(ask('vote-1.js', { 'if-none-match': '"other"' }).status).toBe(200);
  });

  test('in another encoding has another tag', () => {
    const plain = ask('vote-1.js').headers.get('etag');
    const packed = ask('vote-1.js', { 'accept-encoding': 'gzip' }).headers.get('etag');
    expect(packed).not.toBe(plain);
  });

  test.each(['stray.js', 'manifest.json', '../vote-1.js', ''])('is absent for "%s"', (file) => {
    expect(assets.respond(new Request('http://localhost/'), file)).toBeNull();
  });
});

describe('a missing build', () => {
  test('of the whole folder names the command that makes it', async () => {
    await expect(loadAssets(join(folder, 'absent'))).rejects.toThrow('make setup');
  });

  test('of one file in the manifest names the file', async () => {
    const broken = mkdtempSync(join(tmpdir(), 'apura-assets-broken-'));
    writeFileSync(join(broken, 'manifest.json'), '{"vote.js":"vote-9.js"}');
    await expect(loadAssets(broken)).rejects.toThrow('vote-9.js');
    rmSync(broken, { recursive: true, force: true });
  });

  test('of the manifest names the folder', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'apura-assets-empty-'));
    await expect(loadAssets(empty)).rejects.toThrow(empty);
    rmSync(empty, { recursive: true, force: true });
  });
});
