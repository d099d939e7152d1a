/** Results tokens: what a vote's answer carries, so that its sender may see `after_vote` results. */
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface ResultsTokens {
  /** The token of this poll and minute. Costs a lookup: one HMAC a poll and minute, not one a vote. */
  issue(poll: string, now: number): string;
  /** Whether the token was issued for this poll in the last RESULTS_TOKEN_VALID_MS. */
  verify(poll: string, token: string, now: number): boolean;
}

export const RESULTS_TOKEN_VALID_MS = 24 * 3_600_000;

const MINUTE_MS = 60_000;
const MINUTES_VALID = RESULTS_TOKEN_VALID_MS / MINUTE_MS;
/** A second server's clock may run ahead of ours by a little. */
const MINUTES_AHEAD_MAX = 1;
/** 4 bytes of minute and 32 of HMAC: 48 characters without padding. */
const MINUTE_BYTES = 4;
const TOKEN_BYTES = MINUTE_BYTES + 32;
const TOKEN_PATTERN = /^[A-Za-z0-9_-]{48}$/;
/** Every poll being voted in has one; far more polls than that at once would only cost HMACs. */
const POLLS_REMEMBERED_MAX = 1_024;
/** Readers come with tokens of many minutes: about 200 kB when full. */
const EXPECTED_REMEMBERED_MAX = 2_048;

/** `secret` stays the same over restarts, so that tokens do too. At least 32 random bytes. */
export function createResultsTokens(secret: Uint8Array): ResultsTokens {
  const issued = new Map<string, { readonly minute: number; readonly token: string }>();
  const expected = new Map<string, Buffer>();

  const bytesOf = (poll: string, minute: number): Buffer => {
    const bytes = Buffer.alloc(TOKEN_BYTES);
    bytes.writeUInt32BE(minute);
    createHmac('sha256', secret)
      // Named, so that the secret can never sign the same bytes for another purpose.
      .update(`apura results token\0${poll}\0${minute}`)
      .digest()
      .copy(bytes, MINUTE_BYTES);
    return bytes;
  };

  return {
    issue(poll, now) {
      const minute = Math.floor(now / MINUTE_MS);
      const known = issued.get(poll);
      if (known?.minute === minute) return known.token;
      const token = bytesOf(poll, minute).toString('base64url');
      if (issued.size >= POLLS_REMEMBERED_MAX) issued.clear();
      issued.set(poll, { minute, token });
      return token;
    },
    verify(poll, token, now) {
      if (!isResultsTokenShaped(token)) return false;
      const bytes = Buffer.from(token, 'base64url');
      const minute = bytes.readUInt32BE();
      const age = Math.floor(now / MINUTE_MS) - minute;
      if (age > MINUTES_VALID || age < -MINUTES_AHEAD_MAX) return false;
      const key = `${minute} ${poll}`;
      let wanted = expected.get(key);
      if (wanted === undefined) {
        wanted = bytesOf(poll, minute);
        if (expected.size >= EXPECTED_REMEMBERED_MAX) expected.clear();
        expected.set(key, wanted);
      }
      return timingSafeEqual(bytes, wanted);
    },
  };
}

/** Whether the text could be a results token of any poll and secret. */
export function isResultsTokenShaped(text: string): boolean {
  return TOKEN_PATTERN.test(text);
}
