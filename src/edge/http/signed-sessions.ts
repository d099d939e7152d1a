/** The console's sessions where several processes answer one browser: signed ids that each can check by itself. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type ConsoleSessions, SESSION_VALID_MS, SESSIONS_MAX } from './console-sessions.ts';

/** 6 bytes of expiry, 16 random ones, 32 of HMAC: 72 characters without padding. */
const EXPIRY_BYTES = 6;
const BODY_BYTES = EXPIRY_BYTES + 16;
const ID_PATTERN = /^[A-Za-z0-9_-]{72}$/;

export interface SignedSessionsDeps {
  /** The same in every process. At least 32 random bytes. */
  readonly secret: Uint8Array;
  /** With another token the sessions that were opened by this one have ended. */
  readonly operatorToken: string;
  /** ms since the Unix epoch. */
  readonly now: () => number;
}

/**
 * A session that its operator ends is over at once in the process that was told; another one would take
 * its id until it expires, from who has kept a copy. A new token or secret ends all of them everywhere.
 */
export function createSignedSessions(deps: SignedSessionsDeps): ConsoleSessions {
  const token = createHash('sha256').update(deps.operatorToken).digest();
  const ended = new Set<string>();
  const sign = (body: Uint8Array): Buffer =>
    createHmac('sha256', deps.secret)
      // Named, so that the secret can never sign the same bytes for another purpose.
      .update('apura console session\0')
      .update(token)
      .update(body)
      .digest();
  const digest = (id: string): string => createHash('sha256').update(id).digest('base64');

  return {
    open() {
      const body = randomBytes(BODY_BYTES);
      body.writeUIntBE(deps.now() + SESSION_VALID_MS, 0, EXPIRY_BYTES);
      return Buffer.concat([body, sign(body)]).toString('base64url');
    },
    isOpen(id) {
      if (!ID_PATTERN.test(id)) return false;
      const bytes = Buffer.from(id, 'base64url');
      const body = bytes.subarray(0, BODY_BYTES);
      if (!timingSafeEqual(sign(body), bytes.subarray(BODY_BYTES))) return false;
      return body.readUIntBE(0, EXPIRY_BYTES) > deps.now() && !ended.has(digest(id));
    },
    end(id) {
      if (ended.size >= SESSIONS_MAX) {
        const [oldest] = ended;
        if (oldest !== undefined) ended.delete(oldest);
      }
      ended.add(digest(id));
    },
  };
}
