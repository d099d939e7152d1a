/** The console's sessions: opaque ids in memory, so that a restart or a logout really ends them. */
import { createHash, randomBytes } from 'node:crypto';

export const SESSION_COOKIE = 'apura_session';
export const SESSION_VALID_MS = 12 * 3_600_000;
/** Operators are few; at the limit the oldest session ends. */
export const SESSIONS_MAX = 1_000;

export interface ConsoleSessions {
  /** Opens a session and returns its id, which only the operator's browser keeps. */
  open(): string;
  isOpen(id: string): boolean;
  /** Ending a session that is not open changes nothing. */
  end(id: string): void;
}

/** `monotonic` in ms, as Clock.monotonic: a session does not grow older by a wrong wall clock. */
export function createConsoleSessions(monotonic: () => number): ConsoleSessions {
  /** Keyed by digest, so that how long a lookup takes says nothing about the ids. */
  const expiries = new Map<string, number>();
  const digest = (id: string): string => createHash('sha256').update(id).digest('base64');

  return {
    open() {
      if (expiries.size >= SESSIONS_MAX) {
        const [oldest] = expiries.keys();
        if (oldest !== undefined) expiries.delete(oldest);
      }
      const id = randomBytes(32).toString('base64url');
      expiries.set(digest(id), monotonic() + SESSION_VALID_MS);
      return id;
    },
    isOpen(id) {
      const key = digest(id);
      const expiry = expiries.get(key);
      if (expiry === undefined) return false;
      if (expiry > monotonic()) return true;
      expiries.delete(key);
      return false;
    },
    end(id) {
      expiries.delete(digest(id));
    },
  };
}

/** The Set-Cookie value that gives a browser its session, or (`id` null) takes it away. */
export function sessionCookie(id: string | null, isTls: boolean): string {
  const age = id === null ? 0 : SESSION_VALID_MS / 1000;
  const secure = isTls ? '; Secure' : '';
  return `${SESSION_COOKIE}=${id ?? ''}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${secure}`;
}

/** The value of a cookie in a Cookie header, or null. */
export function cookieOf(header: string | null, name: string): string | null {
  if (header === null) return null;
  for (const part of header.split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim();
  }
  return null;
}
