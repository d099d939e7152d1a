/** The one place where failures become HTTP: a status for every error code, and RFC 9457 problem documents. */
import { ERROR_CODES, type ErrorCode } from '../../domain/error-codes.ts';
import { ApuraError } from '../../domain/errors.ts';

export interface ProblemRow {
  readonly status: number;
  /** What went wrong in general; the same words for every occurrence. */
  readonly title: string;
  /** When it is worth asking again; absent where repeating changes nothing. */
  readonly retryAfterSeconds?: number;
  /** Whether clients meet this code. The others are answered as `internal`: they tell of our insides. */
  readonly isPublic: boolean;
}

export interface FieldError {
  /** RFC 6901 pointer into the body. */
  readonly pointer: string;
  readonly code: ErrorCode;
  readonly detail: string;
}

export interface ProblemExtras {
  /** Every field that is wrong, where the body is. */
  readonly errors?: readonly FieldError[];
  /** A URI that names this very occurrence. */
  readonly instance?: string;
  /** Further members of the document, such as `state` or `id`. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** Further headers of the answer, such as `Allow`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Where the codes are explained: a relative reference, so that it holds behind any host name. */
export const ERRORS_PAGE = '/docs/errors';
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** [status, retryAfterSeconds]; a code that is not public has a status for completeness only. */
type Answer = readonly [status: number, retryAfterSeconds?: number];

const PUBLIC = {
  invalid_json: [400],
  invalid_body: [422],
  unknown_field: [422],
  body_too_large: [413],
  body_too_deep: [400],
  unsupported_media_type: [415],
  method_not_allowed: [405],
  not_found: [404],
  invalid_idempotency_key: [400],
  invalid_query: [400],
  unauthorized: [401],
  forbidden: [403],
  too_many_attempts: [429],
  poll_not_found: [404],
  poll_exists: [409],
  option_not_found: [422],
  poll_not_open: [409],
  poll_closed: [409],
  poll_state: [409],
  settings_frozen: [409],
  version_conflict: [409],
  not_supported: [422],
  id_expired: [410],
  id_in_future: [400],
  invalid_image: [422],
  image_not_found: [404],
  receipt_unknown: [404],
  malformed_request: [400],
  no_pulses: [400],
  too_many_pulses: [413],
  pulses_rejected: [422],
  backfill_forbidden: [403],
  unsupported_encoding: [415],
  entry_not_found: [404],
  entry_overlap: [409],
  pulse_not_found: [404],
  act_id_taken: [409],
  charge_not_found: [404],
  statement_not_found: [404],
  dead_letter_not_found: [404],
  dead_letter_state: [409],
  too_many_rows: [400],
  outcome_unknown: [503, 1],
  overloaded: [503, 1],
  not_ready: [503, 2],
  log_unavailable: [503, 1],
  append_unknown: [503, 1],
  internal: [500],
} as const satisfies Partial<Record<ErrorCode, Answer>>;

/** Failures of the insides and of the command line: no client can act on them. */
const PRIVATE = {
  log_failed: [500],
  log_trimmed: [500],
  log_rewound: [500],
  log_mismatch: [500],
  log_corrupt: [500],
  block_invalid: [500],
  durability_refused: [500],
  ledger_key_conflict: [500],
  store_corrupt: [500],
  store_unavailable: [500],
  rating_unavailable: [500],
  stream_expired: [500],
  fenced: [500],
  data_folder_locked: [500],
  invalid_config: [500],
  port_in_use: [500],
  usage: [500],
  server_unreachable: [500],
  not_balanced: [500],
} as const satisfies Record<Exclude<ErrorCode, keyof typeof PUBLIC>, Answer>;

/** A code that an HTTP client can meet. */
export type PublicErrorCode = keyof typeof PUBLIC;

export const PROBLEMS: Readonly<Record<ErrorCode, ProblemRow>> = {
  ...rowsOf(PUBLIC, true),
  ...rowsOf(PRIVATE, false),
};

function rowsOf<C extends ErrorCode>(
  answers: Readonly<Record<C, Answer>>,
  isPublic: boolean,
): Record<C, ProblemRow> {
  const rows = Object.entries<Answer>(answers).map(([code, [status, retryAfterSeconds]]) => [
    code,
    {
      status,
      title: ERROR_CODES[code as C],
      isPublic,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
  ]);
  return Object.fromEntries(rows) as Record<C, ProblemRow>;
}

/**
 * The problem document of one occurrence. `detail` tells a developer what happened here; it must
 * hold nothing that the client may not know.
 */
export function problem(
  code: PublicErrorCode,
  detail: string,
  extras: ProblemExtras = {},
): Response {
  const { status, title, retryAfterSeconds } = PROBLEMS[code];
  const body = {
    type: `${ERRORS_PAGE}#${code}`,
    title,
    status,
    detail,
    code,
    ...(extras.instance === undefined ? {} : { instance: extras.instance }),
    ...(extras.errors === undefined ? {} : { errors: extras.errors }),
    ...extras.members,
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': PROBLEM_MEDIA_TYPE,
      'cache-control': 'no-store',
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
      ...extras.headers,
    },
  });
}

/** Told of every failure that a client is shown as `internal`, with the id that the client sees. */
export type ReportFailure = (error: unknown, requestId: string) => void;

/**
 * The problem of whatever was thrown. Only an ApuraError of a public 4xx code speaks for itself; of
 * everything else the client learns the code's title, and for `internal` the request id to quote.
 */
export function problemOf(error: unknown, report?: ReportFailure): Response {
  const code = error instanceof ApuraError && isPublicCode(error.code) ? error.code : 'internal';
  if (code === 'internal') {
    const requestId = crypto.randomUUID();
    report?.(error, requestId);
    return problem('internal', 'Something failed here. The request id finds it in the log.', {
      instance: `urn:uuid:${requestId}`,
    });
  }
  const { status, title } = PROBLEMS[code];
  const detail = status < 500 && error instanceof ApuraError ? error.message : title;
  return problem(code, detail);
}

function isPublicCode(code: ErrorCode): code is PublicErrorCode {
  return PROBLEMS[code].isPublic;
}
