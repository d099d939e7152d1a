/** Proves that a signed session is taken by every process with the secret, for its time, and forged by nobody. */
import { describe, expect, test } from 'bun:test';
import { SESSION_VALID_MS, SESSIONS_MAX } from './console-sessions.ts';
import { createSignedSessions } from './signed-sessions.ts';

const START = Date.UTC(2026, 10, 21);
const secret = new Uint8Array(32).fill(7);

function room() {
  let now = START;
  const of = (deps: { secret?: Uint8Array; operatorToken?: string } = {}) =>
    createSignedSessions({ secret, operatorToken: 'an-operators-token', now: () => now, ...deps });
  return {
    of,
    wait(ms: number) {
      now += ms;
    },
  };
}

describe('a signed session', () => {
  test('that one process opened is open in every other with the same secret and token', () => {
    const { of } = room();
    const id = of().open();
    expect(of().isOpen(id)).toBe(true);
    expect(of({ secret: new Uint8Array(32).fill(8) }).isOpen(id)).toBe(false);
    expect(of({ operatorToken: 'another-token-now' }).isOpen(id)).toBe(false);
  });

  test('is open for twelve hours', () => {
    const { of, wait } = room();
    const id = of().open();
    wait(SESSION_VALID_MS - 1);
    expect(of().isOpen(id)).toBe(true);
    wait(1);
    expect(of().isOpen(id)).toBe(false);
  });

  test('is refused with any of its bits changed', () => {
    const { of } = room();
    const sessions = of();
    const bytes = Buffer.from(sessions.open(), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const forged = Buffer.from(bytes);
      forged.writeUInt8(forged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(sessions.isOpen(forged.toString('base64url'))).toBe(false);
    }
    for (const id of ['', 'x', `${bytes.toString('base64url')}A`]) {
      expect(sessions.isOpen(id)).toBe(false);
    }
  });

  test('is its own every time, and ends when its operator leaves, no other with it', () => {
    const sessions = room().of();
    const [mine, other] = [sessions.open(), sessions.open()];
    expect(mine).not.toBe(other);
    sessions.end(mine);
    sessions.end(mine);
    expect(sessions.isOpen(mine)).toBe(false);
    expect(sessions.isOpen(other)).toBe(true);
  });

  test('that has ended is remembered among the newest thousand', () => {
    const sessions = room().of();
    const ids = Array.from({ length: SESSIONS_MAX + 1 }, () => sessions.open());
    for (const id of ids) sessions.end(id);
    expect(sessions.isOpen(ids[0] ?? '')).toBe(true);
    expect(ids.slice(1).some((id) => sessions.isOpen(id))).toBe(false);
  });
});
