/** Proves that a session lasts its time, ends when told, and that there are never too many. */
import { beforeEach, describe, expect, test } from 'bun:test';
import {
  type ConsoleSessions,
  cookieOf,
  createConsoleSessions,
  SESSION_VALID_MS,
  SESSIONS_MAX,
  sessionCookie,
} from './console-sessions.ts';

let now = 0;
let sessions: ConsoleSessions;

beforeEach(() => {
  now = 0;
  sessions = createConsoleSessions(() => now);
});

describe('a session', () => {
  test('is open for twelve hours', () => {
    const id = sessions.open();
    now = SESSION_VALID_MS - 1;
    expect(sessions.isOpen(id)).toBe(true);
    now = SESSION_VALID_MS;
    expect(sessions.isOpen(id)).toBe(false);
  });

  test('ends when its operator leaves, and no other with it', () => {
    const [mine, other] = [sessions.open(), sessions.open()];
    sessions.end(mine);
    sessions.end(mine);
    expect(sessions.isOpen(mine)).toBe(false);
    expect(sessions.isOpen(other)).toBe(true);
  });

  test('has an id that nobody can guess', () => {
    const ids = new Set(Array.from({ length: 100 }, () => sessions.open()));
    expect(ids.size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(sessions.isOpen('')).toBe(false);
  });

  test('makes room for a new one by ending the oldest', () => {
    const first = sessions.open();
    const second = sessions.open();
    for (let count = 2; count <= SESSIONS_MAX; count += 1) sessions.open();
    expect(sessions.isOpen(first)).toBe(false);
    expect(sessions.isOpen(second)).toBe(true);
  });
});

describe('a session cookie', () => {
  test('is out of the reach of scripts and other sites, and of plain HTTP where there is TLS', () => {
    expect(sessionCookie('abc', false)).toBe(
      'apura_session=abc; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict',
    );
    expect(sessionCookie('abc', true)).toEndWith('; Secure');
    expect(sessionCookie(null, false)).toContain('apura_session=; Path=/; Max-Age=0');
  });

  test.each([
    ['apura_session=abc', 'abc'],
    ['a=1; apura_session=abc; b=2', 'abc'],
    ['xapura_session=no; apura_session=a=b', 'a=b'],
    ['apura_sessionx=no', null],
    ['apura_session', null],
    ['', null],
    [null, null],
  ])('is found in %p', (header, value) => {
    expect(cookieOf(header, 'apura_session')).toBe(value);
  });
});
