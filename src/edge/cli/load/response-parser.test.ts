/** Answers read the same however the network cuts them, and what is not an answer is refused. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ResponseParser } from './response-parser.ts';

interface Seen {
  readonly status: number;
  readonly keepAlive: boolean;
  readonly retryAfterSeconds: number;
  readonly body: string;
}

/** What a parser finds in chunks, and the step that it ends with. */
function readAll(chunks: readonly Uint8Array[]): { seen: Seen[]; end: string } {
  const parser = new ResponseParser();
  const seen: Seen[] = [];
  for (const chunk of chunks) {
    parser.feed(chunk);
    for (;;) {
      const step = parser.next();
      if (step === 'incomplete') break;
      if (step !== 'response') return { seen, end: step };
      const { status, keepAlive, retryAfterSeconds, buffer, bodyStart, bodyEnd } = parser;
      const body = new TextDecoder().decode(buffer.subarray(bodyStart, bodyEnd));
      seen.push({ status, keepAlive, retryAfterSeconds, body });
    }
  }
  return { seen, end: 'incomplete' };
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

const ACCEPTED =
  'HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\nDate: Sat, 21 Nov 2026 20:00:00 GMT\r\n' +
  'Content-Length: 11\r\n\r\n{"id":"ab"}';
const UNKNOWN =
  'HTTP/1.1 503 Service Unavailable\r\nRETRY-AFTER: 2\r\nconnection: close\r\ncontent-length:26\r\n\r\n' +
  '{"code":"outcome_unknown"}';
const EMPTY_BODY = 'HTTP/1.1 204 No Content\r\n\r\n';
const STREAM = ACCEPTED + UNKNOWN + EMPTY_BODY + ACCEPTED;
const STREAM_SEEN: Seen[] = [
  { status: 202, keepAlive: true, retryAfterSeconds: 0, body: '{"id":"ab"}' },
  { status: 503, keepAlive: false, retryAfterSeconds: 2, body: '{"code":"outcome_unknown"}' },
  { status: 204, keepAlive: true, retryAfterSeconds: 0, body: '' },
  { status: 202, keepAlive: true, retryAfterSeconds: 0, body: '{"id":"ab"}' },
];

describe('a response parser', () => {
  test('reads pipelined answers from one chunk', () => {
    expect(readAll([bytesOf(STREAM)])).toEqual({ seen: STREAM_SEEN, end: 'incomplete' });
  });

  test('reads the same answers cut in two at every byte', () => {
    const bytes = bytesOf(STREAM);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const { seen } = readAll([bytes.subarray(0, cut), bytes.subarray(cut)]);
      expect(seen).toEqual(STREAM_SEEN);
    }
  });

  test('reads the same answers byte by byte', () => {
    const bytes = bytesOf(STREAM);
    const { seen } = readAll(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)));
    expect(seen).toEqual(STREAM_SEEN);
  });

  test('reads any answers cut anywhere', () => {
    const answers = fc.array(
      fc.record({
        status: fc.constantFrom(200, 202, 400, 409, 410, 422, 503),
        keepAlive: fc.boolean(),
        retryAfterSeconds: fc.integer({ min: 0, max: 99 }),
        body: fc.string({ unit: 'grapheme', maxLength: 60 }),
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(answers, fc.array(fc.nat({ max: 700 }), { maxLength: 12 }), (given, cuts) => {
        const bytes = bytesOf(given.map(writeAnswer).join(''));
        const at = [...new Set([0, ...cuts, bytes.length])].sort((a, b) => a - b);
        const chunks = at.map((from, n) => bytes.slice(from, at[n + 1] ?? bytes.length));
        expect(readAll(chunks)).toEqual({ seen: given, end: 'incomplete' });
      }),
    );
  });

  test('never throws and never finds an answer in noise', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (chunks) => {
        expect(readAll(chunks).seen).toEqual([]);
      }),
    );
  });

  test('passes over 1xx answers', () => {
    const { seen } = readAll([bytesOf(`HTTP/1.1 100 Continue\r\n\r\n${ACCEPTED}`)]);
    expect(seen.map(({ status }) => status)).toEqual([202]);
  });

  test('takes lines that end without a carriage return', () => {
    const { seen } = readAll([bytesOf('HTTP/1.1 200 OK\ncontent-length: 2\n\nok')]);
    expect(seen.map(({ body }) => body)).toEqual(['ok']);
  });

  test('knows that HTTP/1.0 closes the connection unless it says otherwise', () => {
    const head = 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n';
    expect(readAll([bytesOf(`${head}\r\n`)]).seen[0]?.keepAlive).toBe(false);
    const kept = readAll([bytesOf(`${head}Connection: keep-alive\r\n\r\n`)]);
    expect(kept.seen[0]?.keepAlive).toBe(true);
  });

  test('says what it can not read', () => {
    const endOf = (text: string) => readAll([bytesOf(text)]).end;
    expect(endOf('GET / HTTP/1.1\r\n\r\n')).toBe('malformed');
    expect(endOf('HTTP/2 200\r\n\r\n')).toBe('malformed');
    expect(endOf('HTTP/1.1 2x2 Odd\r\n\r\n')).toBe('malformed');
    expect(endOf('HTTP/1.1 20\r\n\r\n')).toBe('malformed');
    expect(endOf('HTTP/1.1 101 Switching Protocols\r\n\r\n')).toBe('malformed');
    expect(endOf('HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n')).toBe('malformed');
    expect(endOf('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n')).toBe(
      'malformed',
    );
    expect(endOf('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')).toBe('chunked');
    expect(endOf('HTTP/1.1 200 OK\r\n\r\n')).toBe('no_length');
    expect(endOf('HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n')).toBe('too_large');
    expect(endOf(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`)).toBe('too_large');
    expect(endOf(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toBe('too_large');
  });

  test('starts anew on a new connection', () => {
    const parser = new ResponseParser();
    parser.feed(bytesOf('HTTP/1.1 202 Acc'));
    expect(parser.next()).toBe('incomplete');
    parser.reset();
    parser.feed(bytesOf(ACCEPTED));
    expect(parser.next()).toBe('response');
  });
});

function writeAnswer({ status, keepAlive, retryAfterSeconds, body }: Seen): string {
  const headers = [
    `HTTP/1.1 ${status} Words`,
    ...(keepAlive ? [] : ['Connection: close']),
    ...(retryAfterSeconds > 0 ? [`Retry-After: ${retryAfterSeconds}`] : []),
    'Trailer-Like: transfer',
    'Cache-Control: no-store',
    `Content-Length: ${bytesOf(body).length}`,
  ];
  return `${headers.join('\r\n')}\r\n\r\n${body}`;
}
