/** Proves that guessing slows down, that nobody else does, and that memory stays bounded. */
import { beforeEach, describe, expect, test } from 'bun:test';
import {
  createFailedLogins,
  FAILURE_WINDOW_MS,
  FAILURES_MAX,
  type FailedLogins,
} from './failed-logins.ts';

let now = 0;
let logins: FailedLogins;

beforeEach(() => {
  now = 1_000;
  logins = createFailedLogins(() => now);
});

function fail(address: string, times: number): void {
  for (let time = 0; time < times; time += 1) logins.record(address);
}

describe('failed logins', () => {
  test('block an address after FAILURES_MAX, until the window of the first one ends', () => {
    fail('203.0.113.7', FAILURES_MAX - 1);
    expect(logins.blockedForMs('203.0.113.7')).toBe(0);
    now += 1_000;
    fail('203.0.113.7', 1);
    expect(logins.blockedForMs('203.0.113.7')).toBe(FAILURE_WINDOW_MS - 1_000);
    now += FAILURE_WINDOW_MS - 1_000;
    expect(logins.blockedForMs('203.0.113.7')).toBe(0);
  });

  test('block nobody else', () => {
    fail('203.0.113.7', FAILURES_MAX);
    expect(logins.blockedForMs('203.0.113.8')).toBe(0);
  });

  test('of all addresses of an IPv6 network add up', () => {
    for (let host = 1; host <= FAILURES_MAX; host += 1) logins.record(`2001:db8::${host}`);
    expect(logins.blockedForMs('2001:db8::ffff')).toBeGreaterThan(0);
    expect(logins.blockedForMs('2001:db8:0:1::1')).toBe(0);
  });

  test('of ten thousand other networks push the oldest out, not the newest', () => {
    fail('203.0.113.7', FAILURES_MAX);
    for (let index = 0; index < 10_000; index += 1) {
      logins.record(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);
    }
    expect(logins.blockedForMs('203.0.113.7')).toBe(0);
    fail('10.0.39.15', FAILURES_MAX);
    expect(logins.blockedForMs('10.0.39.15')).toBeGreaterThan(0);
  });
});
