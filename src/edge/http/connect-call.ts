/** What calls of the Connect protocol have in common: the form of their bodies, and the time they are given. */
import { connectError } from './connect-error.ts';
import { refusal } from './pulse-ingest.ts';

export const PROTO = 'application/proto';
const TIMEOUT_MS_MAX = 60_000;
const LATE = refusal('outcome_unknown', 'The time that the call was given has passed.');

/** Null: neither of the two that are understood. */
export function connectFormat(headers: Headers): 'proto' | 'json' | null {
  const type = headers.get('content-type');
  if (type === PROTO) return 'proto';
  return type !== null && /^application\/json\s*(;\s*charset=("?)utf-8\2\s*)?$/i.test(type)
    ? 'json'
    : null;
}

export function unsupportedFormat(): Response {
  const accept = { 'accept-post': `${PROTO}, application/json` };
  return new Response(null, { status: 415, headers: accept });
}

/** The answer, or that it is not known where it does not come within `Connect-Timeout-Ms`. */
export async function inTime(answer: Promise<Response>, headers: Headers): Promise<Response> {
  const timeout = headers.get('connect-timeout-ms');
  if (timeout === null) return answer;
  if (!/^\d{1,10}$/.test(timeout)) {
    return connectError(refusal('invalid_body', 'Connect-Timeout-Ms is no whole number.'));
  }
  const { promise, resolve } = Promise.withResolvers<Response>();
  const timer = setTimeout(
    () => resolve(connectError(LATE, 'deadline_exceeded')),
    Math.min(Number(timeout), TIMEOUT_MS_MAX),
  );
  const first = await Promise.race([answer, promise]);
  clearTimeout(timer);
  return first;
}
