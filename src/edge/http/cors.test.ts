/** Proves that configured origins may call, that no other may, and that caches keep them apart. */
import { describe, expect, test } from 'bun:test';
import { createCors } from './cors.ts';

const cors = createCors(['https://partner.example']);
const from = (origin: string, method = 'GET', headers: Record<string, string> = {}) =>
  new Request('http://apura.test/v1/polls', { method, headers: { origin, ...headers } });
const preflightFrom = (origin: string) =>
  cors.preflight(from(origin, 'OPTIONS', { 'access-control-request-method': 'POST' }));

function headersFor(origin: string, own: Record<string, string> = {}): Headers {
  const headers = new Headers(own);
  cors.addHeaders(from(origin), headers);
  return headers;
}

describe('a configured origin', () => {
  test('may read answers, and what of their headers it needs', () => {
    const headers = headersFor('https://partner.example');
    expect(headers.get('access-control-allow-origin')).toBe('https://partner.example');
    expect(headers.get('access-control-expose-headers')).toContain('Retry-After');
  });

  test('may send what a vote needs', () => {
    const answer = preflightFrom('https://partner.example');
    expect(answer?.status).toBe(204);
    expect(answer?.headers.get('access-control-allow-methods')).toContain('POST');
    expect(answer?.headers.get('access-control-allow-headers')).toContain('Idempotency-Key');
  });

  test('never comes with cookies', () => {
    expect(headersFor('https://partner.example').has('access-control-allow-credentials')).toBe(
      false,
    );
  });
});

describe('any other origin', () => {
  test.each(['https://partner.example.evil.test', 'http://partner.example', 'null', ''])(
    'is told nothing: %p',
    (origin) => {
      expect(headersFor(origin).has('access-control-allow-origin')).toBe(false);
      expect(preflightFrom(origin)?.headers.has('access-control-allow-methods')).toBe(false);
    },
  );
});

describe('caches', () => {
  test('keep the answers to different origins apart', () => {
    expect(headersFor('https://evil.test', { vary: 'Cookie' }).get('vary')).toBe('Cookie, Origin');
  });

  test('are told once, whoever adds the headers twice', () => {
    const headers = headersFor('https://partner.example');
    cors.addHeaders(from('https://partner.example'), headers);
    expect(headers.get('vary')).toBe('Origin');
  });
});

test('an OPTIONS request that asks for nothing is no preflight', () => {
  expect(cors.preflight(from('https://partner.example', 'OPTIONS'))).toBeNull();
});

test('without configured origins nothing is added', () => {
  const headers = new Headers();
  createCors([]).addHeaders(from('https://partner.example'), headers);
  expect([...headers]).toEqual([]);
});
