/** Proves which page a person gets, in which language, and that no page is kept where it must not be. */
import { beforeEach, describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import { EdgeRoom } from '../../../test/support/edge-room.ts';
import { START_TIME } from '../../../test/support/voting-room.ts';

let room: EdgeRoom;

beforeEach(() => {
  room = new EdgeRoom();
});

const open = (id: string, fields = {}) =>
  room.place({ id, title: `Poll ${id}`, state: 'open', opensAt: START_TIME, ...fields });
const page = async (path: string, headers: Record<string, string> = {}) => {
  const response = await room.ask(path, { headers: { accept: 'text/html', ...headers } });
  return { response, html: await response.text() };
};
const keyIn = (html: string) => /name="key" value="([^"]+)"/.exec(html)?.[1] ?? '';

describe('/', () => {
  test('is the page of the one poll that takes votes', async () => {
    await open('final');
    await open('over', { state: 'closed' });
    const { html } = await page('/');
    expect(html).toContain('action="/p/final"');
  });

  test('is the list where there are several, without drafts and archived ones', async () => {
    await open('first');
    await open('second', { state: 'paused' });
    await open('secret', { state: 'draft' });
    await open('gone', { state: 'archived' });
    const { html } = await page('/');
    expect(html).toContain('href="/p/first"');
    expect(html).toContain('href="/p/second"');
    expect(html).not.toContain('secret');
    expect(html).not.toContain('gone');
  });

  test('says so where there are none', async () => {
    expect((await page('/')).response.status).toBe(200);
  });
});

describe('/p/{poll}', () => {
  test('holds the poll and a form that votes without script', async () => {
    await open('final');
    const { response, html } = await page('/p/final');
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(html).toContain('value="ana"');
    expect(html).toContain('src="/assets/vote.js"');
  });

  test('gives every reader a key of its own in server time, so no cache may keep it', async () => {
    await open('final');
    const [one, two] = [await page('/p/final'), await page('/p/final')];
    expect(keyIn(one.html)).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(keyIn(one.html)).not.toBe(keyIn(two.html));
    expect(Number.parseInt(keyIn(one.html).replace('-', '').slice(0, 12), 16)).toBe(START_TIME);
    expect(one.response.headers.get('cache-control')).toBe('no-store');
  });

  test('is packed for whoever takes it so, with a key of its own too', async () => {
    await open('final');
    const ask = async () => {
      const response = await room.ask('/p/final', { headers: { 'accept-encoding': 'br, gzip' } });
      expect(response.headers.get('content-encoding')).toBe('gzip');
      expect(response.headers.get('vary')).toContain('Accept-Encoding');
      return gunzipSync(await response.bytes()).toString();
    };
    const [one, two] = [await ask(), await ask()];
    expect(one).toEndWith('</html>\n');
    expect(keyIn(one)).not.toBe(keyIn(two));
    expect(one.replace(keyIn(one), '')).toBe(two.replace(keyIn(two), ''));
  });

  test('shows results only as far as anybody may see them', async () => {
    await open('shy', { resultsDetail: 'count' });
    await open('frank', { resultsDetail: 'count', resultsVisibility: 'always' });
    for (const id of ['shy', 'frank']) room.count(id, { ana: 73_571 }, 5);
    expect((await page('/p/shy')).html).not.toMatch(/73.?571/);
    expect((await page('/p/frank')).html).toMatch(/73.?571/);
  });

  test('follows the poll at once, and its counts within a moment', async () => {
    await open('final', { resultsDetail: 'count', resultsVisibility: 'always' });
    await page('/p/final');
    room.count('final', { ana: 73_571 }, 5);
    room.clock.advance(250);
    expect((await page('/p/final')).html).toMatch(/73.?571/);
    await room.ask('/v1/polls/final/pause', { method: 'POST', operator: true });
    expect((await page('/p/final')).html).toContain('data-locked');
  });

  test('keeps names that are markup from being markup', async () => {
    await open('final', { title: '</script><script>alert(1)</script>' });
    const { html } = await page('/p/final');
    expect(html).not.toContain('<script>alert');
  });

  test.each(['none', 'secret'])('is a page that says so where there is no poll: %p', async (id) => {
    await open('secret', { state: 'draft' });
    const { response, html } = await page(`/p/${id}`);
    expect(response.status).toBe(404);
    expect(html).toContain('<!doctype html>');
  });

  test('links previews to where the reader is', async () => {
    await open('final');
    expect((await page('/p/final')).html).toContain('content="http://apura.test/p/final"');
    const request = new Request('http://apura.test/p/final');
    const secure = await room.api.fetch(request, { remoteAddress: '::1', isTls: true });
    expect(await secure.text()).toContain('content="https://apura.test/p/final"');
  });
});

describe('the language', () => {
  test('is Portuguese unless somebody asks for another', async () => {
    await open('final');
    expect((await page('/p/final')).html).toContain('<html lang="pt-BR">');
    expect((await page('/p/final', { 'accept-language': 'es' })).html).toContain(
      '<html lang="es">',
    );
    expect((await page('/p/final')).response.headers.get('vary')).toBe(
      'Accept-Encoding, Accept-Language, Cookie, Origin',
    );
  });

  test('that was chosen is remembered', async () => {
    await open('final');
    const { response, html } = await page('/p/final?lang=en');
    expect(html).toContain('<html lang="en">');
    const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? '';
    expect((await page('/', { cookie })).html).toContain('<html lang="en">');
  });
});

describe('/p/{poll}/look.css', () => {
  test('is the poll’s look, kept for good under the version that the page names', async () => {
    await open('final', { look: { accentColor: '#0a7d55', logoUrl: null } });
    const { html } = await page('/p/final');
    const href = /href="(\/p\/final\/look\.css\?v=\d+)"/.exec(html)?.[1] ?? '';
    const style = await room.ask(href);
    expect(style.headers.get('content-type')).toBe('text/css; charset=utf-8');
    expect(await style.text()).toContain('--accent:#0a7d55');
    expect(style.headers.get('cache-control')).toContain('immutable');
    const other = await room.ask('/p/final/look.css?v=99');
    expect(other.headers.get('cache-control')).toBe('no-cache');
  });

  test('is none where there is no poll', async () => {
    expect((await room.ask('/p/none/look.css')).status).toBe(404);
  });
});

describe('everything else', () => {
  test('the console’s shell names its script and style', async () => {
    const { html } = await page('/console');
    expect(html).toContain('/assets/console.js');
    expect(html).toContain('/assets/console.css');
  });

  test('assets come from the build, and nowhere else', async () => {
    expect(await (await room.ask('/assets/vote.js')).text()).toBe('vote();');
    expect((await room.ask('/assets/other.js')).status).toBe(404);
    expect((await room.ask('/assets/..%2f..%2fpackage.json')).status).toBe(404);
  });

  test('the icon is a picture', async () => {
    const response = await room.ask('/favicon.ico');
    expect(response.headers.get('content-type')).toBe('image/svg+xml');
  });

  test('an address that is none is a page for a person, a problem for a program', async () => {
    const { response, html } = await page('/nothing');
    expect(response.status).toBe(404);
    expect(html).toContain('<!doctype html>');
    expect((await page('/v1/nothing')).response.headers.get('content-type')).toBe(
      'application/problem+json',
    );
    expect((await room.ask('/nothing')).headers.get('content-type')).toBe(
      'application/problem+json',
    );
  });

  test('the documentation loads from this server alone', async () => {
    const { response, html } = await page('/docs');
    expect(html).not.toMatch(/https?:\/\//);
    expect(html).toContain('/assets/swagger-ui-bundle.js');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(await (await room.ask('/docs/start.js')).text()).toContain("url: '/openapi.json'");
  });

  test('the documentation is read, not written', async () => {
    for (const path of [
      '/docs',
      '/docs/start.js',
      '/docs/errors',
      '/openapi.json',
      '/console',
      '/',
    ]) {
      expect((await room.ask(path, { method: 'POST' })).headers.get('allow')).toBe('GET, HEAD');
    }
    const style = await room.ask('/docs/errors.css');
    expect(style.headers.get('content-type')).toBe('text/css; charset=utf-8');
  });

  test('the errors’ page has an anchor for every code that a client can meet', async () => {
    const { html } = await page('/docs/errors');
    expect(html).toContain('id="poll_not_open"');
    expect(html).not.toContain('store_corrupt');
  });
});
