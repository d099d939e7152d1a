/** Proves that every code has its answer, that the answer is documented, and that no insides leak. */
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { ERROR_CODES, type ErrorCode } from '../../domain/error-codes.ts';
import { ApuraError } from '../../domain/errors.ts';
import { PROBLEMS, problem, problemOf } from './problems.ts';

const codes = Object.keys(ERROR_CODES) as ErrorCode[];
const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');

describe('the table of problems', () => {
  test('has a row for every code, with an error status', () => {
    expect(Object.keys(PROBLEMS).sort()).toEqual([...codes].sort());
    for (const code of codes) expect(PROBLEMS[code].status).toBeWithin(400, 600);
  });

  test.each(codes)('says of %s what docs/errors.md says', (code) => {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${code}\` |`));
    const documented = Number(row?.match(/\| (\d{3}) \|/)?.[1] ?? Number.NaN);
    const { status, isPublic } = PROBLEMS[code];
    expect(documented).toEqual(isPublic ? status : Number.NaN);
  });
});

describe('a problem', () => {
  test('is a document of RFC 9457 with the code, its type and whatever else it has to say', async () => {
    const response = problem('poll_not_open', 'It opens tonight.', {
      members: { state: 'paused' },
    });
    expect(response.status).toBe(409);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({
      type: '/docs/errors#poll_not_open',
      title: ERROR_CODES.poll_not_open,
      status: 409,
      detail: 'It opens tonight.',
      code: 'poll_not_open',
      state: 'paused',
    });
  });

  test('that passes says when to ask again', () => {
    expect(problem('overloaded', 'Full.').headers.get('retry-after')).toBe('1');
    expect(problem('poll_not_found', 'None.').headers.get('retry-after')).toBeNull();
  });

  test('lists fields with their pointers', async () => {
    const errors = [{ pointer: '/title', code: 'invalid_body', detail: 'Missing.' }] as const;
    const body = await problem('invalid_body', 'Wrong.', { errors }).json();
    expect(body).toMatchObject({ errors });
  });
});

describe('whatever was thrown', () => {
  test('speaks for itself when it is an ApuraError about the request', async () => {
    const body = await problemOf(new ApuraError('invalid_query', 'The cursor is odd.')).json();
    expect(body).toMatchObject({
      code: 'invalid_query',
      status: 400,
      detail: 'The cursor is odd.',
    });
  });

  test('is told in general words when it is about the system', async () => {
    const error = new ApuraError('log_unavailable', 'kafka://secret-host refused');
    const response = problemOf(error);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await response.text()).not.toContain('secret-host');
  });

  test.each([
    ['a code of the insides', () => new ApuraError('store_corrupt', 'row 7 of /secret/tally.db')],
    ['any error', () => new Error('secret')],
    ['a text', () => 'secret'],
    ['nothing', () => null],
  ])('is internal when it is %s, with an id that finds it in the log', async (_what, make) => {
    const error = make();
    const reports: [unknown, string][] = [];
    const response = problemOf(error, (failed, id) => reports.push([failed, id]));
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).not.toContain('secret');
    const [report] = reports;
    expect(report?.[0]).toBe(error);
    expect(JSON.parse(text)).toMatchObject({
      code: 'internal',
      instance: `urn:uuid:${report?.[1]}`,
    });
  });
});
