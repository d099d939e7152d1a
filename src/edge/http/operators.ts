/** Who is asking: an operator by token or by the console's session, a tenant by its API key, or anybody. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type ConsoleSessions, cookieOf, SESSION_COOKIE } from './console-sessions.ts';
import type { FailedLogins } from './failed-logins.ts';
import { problem } from './problems.ts';
import { isResultsTokenShaped } from './results-token.ts';

export type Caller =
  | { readonly kind: 'operator'; readonly via: 'token' | 'cookie' }
  | {
      /** Sees what is this tenant's, and changes nothing. */
      readonly kind: 'tenant';
      readonly tenant: string;
      /** Whether the key has the scope `read`. */
      readonly canRead: boolean;
      /** The whole key. */
      readonly bearer: string;
    }
  | {
      readonly kind: 'public';
      /** A bearer token that is not the operators': perhaps a results token. */
      readonly bearer: string | null;
      /** For how long the caller's network may not try operator tokens; 0 where it may. */
      readonly blockedForMs: number;
      /** Why an API key that was sent opens nothing (any more); absent where none was sent. */
      readonly keyProblem?: KeyProblem;
    };

/** `stale`: the catalogue has been away for so long that no key is believed. */
export type KeyProblem = 'unknown' | 'revoked' | 'expired' | 'stale';

const KEY_PROBLEMS: Readonly<Record<Exclude<KeyProblem, 'stale'>, string>> = {
  unknown: 'The bearer token is no API key that was ever given.',
  revoked: 'The API key was revoked.',
  expired: 'The API key has expired.',
};

/** A port on which nobody is an operator. */
export const NO_OPERATORS: Pick<Operators, 'identify'> = {
  identify: (request) => ({ kind: 'public', bearer: bearerOf(request), blockedForMs: 0 }),
};

export interface OperatorsDeps {
  readonly operatorToken: string;
  readonly sessions: ConsoleSessions;
  readonly failedLogins: FailedLogins;
}

export interface Operators {
  identify(request: Request, remoteAddress: string): Caller;
  /** Whether the token is the operators', with every wrong one counted against the address. */
  tryToken(token: string, remoteAddress: string): TokenTrial;
}

export type TokenTrial =
  | { readonly kind: 'right' }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'blocked'; readonly forMs: number };

/** There is one operator token so far, hence one name for whoever holds it. */
export const OPERATOR_ACTOR = 'operator';

export function createOperators(deps: OperatorsDeps): Operators {
  // Digests have one length whatever was sent, and comparing them tells nothing of the token.
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const wanted = digest(deps.operatorToken);

  const tryToken = (token: string, remoteAddress: string): TokenTrial => {
    const forMs = deps.failedLogins.blockedForMs(remoteAddress);
    if (forMs > 0) return { kind: 'blocked', forMs };
    if (timingSafeEqual(digest(token), wanted)) return { kind: 'right' };
    // A stale results token is no attempt to guess 288 random bits.
    if (!isResultsTokenShaped(token)) deps.failedLogins.record(remoteAddress);
    return { kind: 'wrong' };
  };

  return {
    tryToken,
    identify(request, remoteAddress) {
      const bearer = bearerOf(request);
      if (bearer !== null) {
        const trial = tryToken(bearer, remoteAddress);
        if (trial.kind === 'right') return { kind: 'operator', via: 'token' };
        const blockedForMs = trial.kind === 'blocked' ? trial.forMs : 0;
        return { kind: 'public', bearer, blockedForMs };
      }
      const session = cookieOf(request.headers.get('cookie'), SESSION_COOKIE);
      if (session !== null && deps.sessions.isOpen(session)) {
        return { kind: 'operator', via: 'cookie' };
      }
      return { kind: 'public', bearer: null, blockedForMs: 0 };
    },
  };
}

export function audienceOf(caller: Caller): 'operator' | 'public' {
  return caller.kind === 'operator' ? 'operator' : 'public';
}

/** Null for an operator; else the problem that sends the caller away. */
export function refuseUnlessOperator(caller: Caller): Response | null {
  switch (caller.kind) {
    case 'operator':
      return null;
    case 'tenant':
      return problem('forbidden', 'Operators alone may do this; an API key may not.');
    case 'public':
      return refuseStranger(
        caller,
        caller.bearer === null
          ? 'Send an operator token.'
          : 'The bearer token is not an operator’s.',
      );
  }
}

/** Null for an operator, and for a tenant whose key may read; else the problem that sends the caller away. */
export function refuseUnlessReader(caller: Caller): Response | null {
  switch (caller.kind) {
    case 'operator':
      return null;
    case 'tenant':
      return caller.canRead ? null : problem('forbidden', 'The API key lacks the scope read.');
    case 'public':
      return refuseStranger(caller, 'Send an operator token, or an API key with the scope read.');
  }
}

function refuseStranger(
  { blockedForMs, keyProblem }: Extract<Caller, { readonly kind: 'public' }>,
  detail: string,
): Response {
  if (blockedForMs > 0) return tooManyFailures(blockedForMs);
  if (keyProblem === 'stale') {
    return problem('not_ready', 'The catalogue is away for so long that no API key is believed.');
  }
  return problem('unauthorized', keyProblem === undefined ? detail : KEY_PROBLEMS[keyProblem], {
    headers: { 'www-authenticate': 'Bearer realm="apura"' },
  });
}

export function tooManyFailures(forMs: number): Response {
  const seconds = Math.ceil(forMs / 1000);
  return problem('too_many_attempts', `Too many wrong tokens came from here. Wait ${seconds} s.`, {
    headers: { 'retry-after': String(seconds) },
  });
}

/**
 * Null where a change may be asked for by the console's cookie: browsers send the cookie along with
 * whatever a page asks for, so the page must be ours, and of a kind that no plain form can send.
 */
export function refuseForeignPage(request: Request): Response | null {
  if (!isSameHost(request)) {
    return problem('forbidden', 'A change by cookie must come from a page of this server.');
  }
  const contentType = request.headers.get('content-type') ?? '';
  if (request.method === 'DELETE' || /^(application\/json|image\/)/i.test(contentType)) return null;
  return problem('unsupported_media_type', 'A change by cookie must be sent as application/json.');
}

/** Whether the request's Origin is the host that it was sent to. */
export function isSameHost(request: Request): boolean {
  const origin = request.headers.get('origin');
  if (origin === null || !URL.canParse(origin)) return false;
  return new URL(origin).host === new URL(request.url).host;
}

/** What stands behind `Bearer ` in the Authorization; null where nothing does. */
export function bearerOf(request: Request): string | null {
  const header = request.headers.get('authorization');
  const match = header === null ? null : /^Bearer +(\S+) *$/i.exec(header);
  return match?.[1] ?? null;
}
