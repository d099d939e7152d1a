/** Proves that no body gets past its bounds, and that what is refused is refused for its own reason. */
import { describe, expect, test } from 'bun:test';
import { z } from '@hono/zod-openapi';
import fc from 'fast-check';
import {
  fieldErrorsOf,
  JSON_BYTES_MAX,
  JSON_DEPTH_MAX,
  parseJson,
  readBytes,
  readJson,
} from './request-body.ts';
import { readQuery } from './request-query.ts';

const post = (
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null,
  type: string | null = 'application/json',
) =>
  new Request('http://apura.test/', {
    method: 'POST',
    body,
    headers: type === null ? {} : { 'content-type': type },
  });

async function codeOf(read: Awaited<ReturnType<typeof readJson>>): Promise<unknown> {
  if (read.kind === 'ok') return { ok: read.value };
  return ((await read.response.json()) as { code: string }).code;
}

/** A body without a declared length. */
function streamed(chunks: readonly string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  });
}

describe('a JSON body', () => {
  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'APPLICATION/JSON',
    'application/merge-patch+json',
  ])('is read as %p', async (type) => {
    expect(await codeOf(await readJson(post('{"a":[1,"é"]}', type)))).toEqual({
      ok: { a: [1, 'é'] },
    });
  });

  test.each([
    'text/plain',
    'application/jsonp',
    'application/json; charset=latin1',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=application/json',
  ])('is not read as %p', async (type) => {
    expect(await codeOf(await readJson(post('{}', type)))).toBe('unsupported_media_type');
  });

  test.each(['gzip', 'br', 'gzip, identity'])('is not read packed with %s', async (coding) => {
    const request = post('{}');
    request.headers.set('content-encoding', coding);
    expect(await codeOf(await readJson(request))).toBe('unsupported_encoding');
    request.headers.set('content-encoding', 'identity');
    expect(await codeOf(await readJson(request))).toEqual({ ok: {} });
  });

  test('of text in pieces is read whole', async () => {
    const request = post(streamed(['{"a"', ':"', 'b"}']));
    expect(await codeOf(await readJson(request))).toEqual({ ok: { a: 'b' } });
  });

  test.each(['', '{', '{"a":1}x', 'undefined', "{'a':1}", '[1,]', '\u0000'])(
    'that is no JSON is refused: %p',
    async (text) => {
      expect(await codeOf(await readJson(post(text)))).toBe('invalid_json');
    },
  );

  test('that is not UTF-8 is refused', async () => {
    const read = await readJson(post(Uint8Array.of(0x22, 0xff, 0x22)));
    expect(await codeOf(read)).toBe('invalid_json');
  });

  test('may be as deep as the limit, and no deeper', async () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(await codeOf(await readJson(post(nested(JSON_DEPTH_MAX))))).toHaveProperty('ok');
    expect(await codeOf(await readJson(post(nested(JSON_DEPTH_MAX + 1))))).toBe('body_too_deep');
    expect(await codeOf(await readJson(post('{"a":'.repeat(20_000).slice(0, 60_000))))).toBe(
      'body_too_deep',
    );
  });

  test('may hold brackets in its texts', async () => {
    for (const start of ['', '"', '\\', '\\"']) {
      const text = JSON.stringify({ a: `${start}[[[[[[[[[[{{{{{{` });
      expect(await codeOf(await readJson(post(text)))).toHaveProperty('ok');
    }
  });

  test('that is too large is refused, declared or not', async () => {
    const large = JSON.stringify('x'.repeat(JSON_BYTES_MAX));
    expect(await codeOf(await readJson(post(large)))).toBe('body_too_large');
    expect(await codeOf(await readJson(post(streamed([large.slice(0, 50_000), large]))))).toBe(
      'body_too_large',
    );
    const fits = JSON.stringify('x'.repeat(JSON_BYTES_MAX - 2));
    expect(await codeOf(await readJson(post(fits)))).toHaveProperty('ok');
  });

  test('may be absent where the route allows it', async () => {
    expect(await codeOf(await readJson(post(null, null), { ifAbsent: {} }))).toEqual({ ok: {} });
    expect(await codeOf(await readJson(post('', 'application/json'), { ifAbsent: {} }))).toEqual({
      ok: {},
    });
    expect(await codeOf(await readJson(post('{}', null), { ifAbsent: {} }))).toBe(
      'unsupported_media_type',
    );
    expect(await codeOf(await readJson(post('x', 'text/plain'), { ifAbsent: {} }))).toBe(
      'unsupported_media_type',
    );
  });

  test('is parsed as the runtime does, or refused: never anything between', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json({ maxDepth: 4 })), (text) => {
        const read = parseJson(new TextEncoder().encode(text.toWellFormed()));
        let expected: unknown;
        try {
          expected = JSON.parse(text.toWellFormed());
        } catch {
          expect(read.kind).toBe('refused');
          return;
        }
        if (read.kind === 'ok') expect(read.value).toEqual(expected);
      }),
    );
  });
});

describe('bytes', () => {
  test('that break off are refused', async () => {
    const broken = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(10));
        controller.error(new Error('the client went away'));
      },
    });
    const read = await readBytes(post(broken), 100);
    if (read.kind === 'ok') throw new Error('read');
    expect(await read.response.json()).toMatchObject({ code: 'invalid_body' });
  });

  test('stop being read as soon as there are too many', async () => {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(1_000));
      },
    });
    const read = await readBytes(post(endless, 'image/png'), 10_000);
    expect(read.kind).toBe('refused');
    expect(pulled).toBeLessThan(50);
  });
});

test('who leaves a field or a parameter out is told to give it, not that it was "undefined"', async () => {
  const schema = z.strictObject({ from: z.string(), limit: z.number() });
  expect(fieldErrorsOf(schema.safeParse({ limit: 'x' }).error?.issues ?? [])).toEqual([
    { pointer: '/from', code: 'invalid_body', detail: 'must be given.' },
    expect.objectContaining({ pointer: '/limit', detail: expect.stringContaining('number') }),
  ]);
  const read = readQuery(new Request('http://apura.test/?limit=1'), schema);
  expect(read.kind).toBe('refused');
  if (read.kind !== 'refused') return;
  expect(await read.response.json()).toMatchObject({
    detail: 'The parameter "from" is wrong: must be given.',
  });
});
