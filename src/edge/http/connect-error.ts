/** Failures as the Connect protocol tells them: a code of its own in JSON, and Apura's beside it. */
import type { ErrorCode } from '../../domain/error-codes.ts';
import type { PublicErrorCode } from './problems.ts';
import { retryInfo } from './pulse-retry-info.ts';

type ConnectCode =
  | 'invalid_argument'
  | 'unauthenticated'
  | 'permission_denied'
  | 'resource_exhausted'
  | 'unimplemented'
  | 'deadline_exceeded'
  | 'unavailable';

/** Given by the protocol. */
const STATUSES: Readonly<Record<ConnectCode, number>> = {
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  resource_exhausted: 429,
  unimplemented: 501,
  deadline_exceeded: 504,
  unavailable: 503,
};

/** What is not here is `unavailable`: unknown, and to be sent again. */
const CODES: Partial<Record<ErrorCode | PublicErrorCode, ConnectCode>> = {
  malformed_request: 'invalid_argument',
  no_pulses: 'invalid_argument',
  too_many_pulses: 'invalid_argument',
  invalid_json: 'invalid_argument',
  invalid_body: 'invalid_argument',
  unknown_field: 'invalid_argument',
  // Not `resource_exhausted`: the same is too large whenever it is sent again.
  body_too_large: 'invalid_argument',
  unsupported_encoding: 'unimplemented',
  unauthorized: 'unauthenticated',
  forbidden: 'permission_denied',
  backfill_forbidden: 'permission_denied',
  too_many_attempts: 'resource_exhausted',
  overloaded: 'resource_exhausted',
};

/** `retryAfterMs`: when to send the same again; null where it would come to the same. */
export function connectError(
  {
    code,
    detail,
    retryAfterMs,
  }: {
    readonly code: ErrorCode | PublicErrorCode;
    readonly detail: string;
    readonly retryAfterMs: number | null;
  },
  connectCode: ConnectCode = CODES[code] ?? 'unavailable',
): Response {
  const details =
    retryAfterMs === null
      ? {}
      : { details: [{ type: 'google.rpc.RetryInfo', value: base64Of(retryInfo(retryAfterMs)) }] };
  return new Response(JSON.stringify({ code: connectCode, message: detail, ...details }), {
    status: STATUSES[connectCode],
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'apura-code': code,
      ...(retryAfterMs === null ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }),
    },
  });
}

/** As the protocol wants it: without padding. */
function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}
