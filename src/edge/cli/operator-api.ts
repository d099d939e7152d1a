/** Apura's HTTP API as the commands speak it: JSON in and out, every failure an ApuraError in words. */
import { ERROR_CODES, type ErrorCode } from '../../domain/error-codes.ts';
import { ApuraError } from '../../domain/errors.ts';
import { findToken, type TokenSources } from './admin-token.ts';
import type { CliIo } from './cli-io.ts';
import { optionalTextFlag } from './flag.ts';

/** For operators' routes; `localUrl` where it is not given. */
export const URL_FLAG = optionalTextFlag(
  "the server's address (default: this machine, at $APURA_ADMIN_PORT, $APURA_HTTP_PORT or 8080)",
  'URL',
);

type Environment = Readonly<Record<string, string | undefined>>;

/** Where `apura serve` listens in the same environment. Operators' routes may have their own port. */
export function localUrl(env: Environment, routes: 'public' | 'operators'): string {
  const adminPort = routes === 'operators' ? env.APURA_ADMIN_PORT : undefined;
  return `http://127.0.0.1:${adminPort || env.APURA_HTTP_PORT || 8080}`;
}

export type Json = Readonly<Record<string, unknown>>;

const ANSWER_TIMEOUT_MS = 15_000;

export class OperatorApi {
  readonly url: URL;
  readonly token: string | null;
  readonly #signal: AbortSignal | undefined;

  /** @throws ApuraError `usage`: not the address of a server. */
  constructor(url: string, token: string | null, signal?: AbortSignal) {
    this.url = parseServerUrl(url);
    this.token = token;
    this.#signal = signal;
  }

  /**
   * The body of a 2xx answer.
   *
   * @throws ApuraError `server_unreachable`, or the code of the problem that was answered.
   */
  async get(path: string): Promise<Json> {
    return readObject(await this.#request('GET', path));
  }

  /** As `get`; the request carries `body` as JSON. `timeoutMs`: for an answer that may take long. */
  async post(path: string, body: unknown, timeoutMs = ANSWER_TIMEOUT_MS): Promise<Json> {
    return readObject(await this.#request('POST', path, JSON.stringify(body), timeoutMs));
  }

  /** As `get`, for a body of any length that the caller reads as it comes. */
  async stream(path: string): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#request('GET', path, undefined, null);
    if (response.body === null) throw unexpected(response, 'has no body');
    return response.body;
  }

  async #request(
    method: string,
    path: string,
    body?: string,
    timeoutMs: number | null = ANSWER_TIMEOUT_MS,
  ): Promise<Response> {
    const signals = [
      ...(this.#signal === undefined ? [] : [this.#signal]),
      ...(timeoutMs === null ? [] : [AbortSignal.timeout(timeoutMs)]),
    ];
    let response: Response;
    try {
      response = await fetch(new URL(path, this.url), {
        method,
        redirect: 'error',
        signal: AbortSignal.any(signals),
        headers: {
          ...(this.token === null ? {} : { authorization: `Bearer ${this.token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body }),
      });
    } catch (cause) {
      const words = `No Apura server answers at ${this.url.origin}. Is it running? Try --url.`;
      throw new ApuraError('server_unreachable', words, { cause });
    }
    if (!response.ok) throw await problemOf(response);
    return response;
  }
}

/** The API that a command's flags name. */
export async function operatorApi(
  flags: TokenSources & { readonly url: string | null },
  io: CliIo,
): Promise<OperatorApi> {
  const url = flags.url ?? localUrl(io.env, 'operators');
  return new OperatorApi(url, await findToken(flags, io.env), io.signal);
}

function parseServerUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const plain = url !== null && url.search === '' && url.hash === '' && url.username === '';
  if (!plain || !/^https?:$/.test(url.protocol) || url.pathname !== '/') {
    const example = 'http://127.0.0.1:8080';
    throw new ApuraError('usage', `${text} is not a server's address such as ${example}`);
  }
  return url;
}

async function readObject(response: Response): Promise<Json> {
  let body: unknown;
  try {
    body = await response.json();
  } catch (cause) {
    throw unexpected(response, 'is not JSON', cause);
  }
  if (typeof body === 'object' && body !== null) return body as Json;
  throw unexpected(response, 'is not a JSON object');
}

/** An RFC 9457 problem in words: what, where in the body, and for `unauthorized` what to do. */
async function problemOf(response: Response): Promise<ApuraError> {
  const problem = await readObject(response).catch((): Json => ({}));
  const code = String(problem.code ?? '');
  const said = [problem.detail, problem.title].find((words) => typeof words === 'string');
  const lines = [String(said ?? `${response.url} answered ${response.status}.`)];
  for (const error of Array.isArray(problem.errors) ? (problem.errors as Json[]) : []) {
    lines.push(`  ${error.pointer} ${error.code}: ${error.detail}`);
  }
  if (code === 'unauthorized') {
    lines.push('  Give the operators’ token: --token, --token-file, $APURA_ADMIN_TOKEN, or');
    lines.push('  run the command where the server’s data folder is (or set $APURA_DATA).');
  }
  return new ApuraError(isErrorCode(code) ? code : 'internal', lines.join('\n'));
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

function unexpected(response: Response, what: string, cause?: unknown): ApuraError {
  const words = `The answer of ${response.url} (${response.status}) ${what}. Is this Apura?`;
  return new ApuraError('server_unreachable', words, { cause });
}
