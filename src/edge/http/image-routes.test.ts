/** Proves which pictures are taken, and that they are served for good. */
import { beforeEach, describe, expect, test } from 'bun:test';
import { EdgeRoom } from '../../../test/support/edge-room.ts';

/** A PNG of one pixel. */
const PNG = Uint8Array.fromBase64(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
);
const PATH = '/v1/polls/final/options/ana/image';
let room: EdgeRoom;

beforeEach(async () => {
  room = new EdgeRoom();
  await room.place();
});

const put = (body: Uint8Array | string, type = 'image/png', path = PATH, operator = true) =>
  room.ask(path, { method: 'PUT', body, operator, headers: { 'content-type': type } });
const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

describe('PUT a picture', () => {
  test('gives the option its picture, which is served under its digest', async () => {
    const response = await put(PNG);
    expect(response.status).toBe(200);
    const { options } = (await response.json()) as { options: { imageUrl: string }[] };
    const url = options[0]?.imageUrl ?? '';
    expect(url).toMatch(/^\/v1\/images\/[0-9a-f]{64}$/);
    const image = await room.ask(url);
    expect(image.headers.get('content-type')).toBe('image/png');
    expect(image.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(new Uint8Array(await image.arrayBuffer())).toEqual(PNG);
    const etag = image.headers.get('etag') ?? '';
    expect((await room.ask(url, { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  test('goes by the bytes, not by the type that is named', async () => {
    expect((await put(PNG, 'image/webp')).status).toBe(200);
    const svg = await put('<svg xmlns="http://www.w3.org/2000/svg"/>');
    expect(svg.status).toBe(422);
    expect(await codeOf(svg)).toBe('invalid_image');
  });

  test('refuses types that are no pictures of ours', async () => {
    expect(await codeOf(await put(PNG, 'image/svg+xml'))).toBe('unsupported_media_type');
    expect(await codeOf(await put(PNG, 'application/json'))).toBe('unsupported_media_type');
  });

  test('refuses more than 1 MiB', async () => {
    const response = await put(new Uint8Array(1_048_577));
    expect(response.status).toBe(413);
    expect(await codeOf(response)).toBe('body_too_large');
  });

  test('knows no option and no poll that is not there', async () => {
    const option = await put(PNG, 'image/png', '/v1/polls/final/options/zoe/image');
    expect(option.status).toBe(404);
    expect(await codeOf(option)).toBe('not_found');
    const poll = await put(PNG, 'image/png', '/v1/polls/none/options/ana/image');
    expect(await codeOf(poll)).toBe('poll_not_found');
  });

  test('refuses once the poll has opened', async () => {
    await room.place({ id: 'live', state: 'open' });
    const response = await put(PNG, 'image/png', '/v1/polls/live/options/ana/image');
    expect(response.status).toBe(409);
    expect(await codeOf(response)).toBe('poll_state');
  });

  test('is for operators', async () => {
    expect((await put(PNG, 'image/png', PATH, false)).status).toBe(401);
  });
});

test.each(['0'.repeat(64), 'x', '%2fetc'])('no image has the digest %p', async (digest) => {
  const response = await room.ask(`/v1/images/${digest}`);
  expect(response.status).toBe(404);
  expect(await codeOf(response)).toBe('image_not_found');
});
