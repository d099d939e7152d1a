/** Says who calls the doors of metering: the operator, or a tenant by one of its API keys. */
import type { ApiKey, ApiKeyScope } from '../../domain/metering/contract.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CatalogueView } from './catalogue-view.ts';

/** Keys that were known go on for so long while the catalogue is away, ms; then they are refused. */
export const KEYS_STALE_MS_MAX = 10 * 60_000;

/** What every API key begins with. */
export const API_KEY_PREFIX = 'apura_';
/** 32 random bytes as base64url. */
const KEY = /^apura_([A-Za-z0-9-]{1,64})_([A-Za-z0-9_-]{43})$/;

export interface MeteringCaller {
  /** Null: the operator, who may do everything for every tenant. */
  readonly key: ApiKey | null;
}

/**
 * - `unheard`: a key of an id that this process has not heard of: just made, or another installation's.
 * - `unknown`: a wrong secret, or no token and no key at all.
 */
export type UnauthorizedReason = 'missing' | 'unheard' | 'unknown' | 'revoked' | 'expired';

/**
 * - `unauthorized`: no token, or one that opens nothing (any more).
 * - `blocked`: too many wrong tokens came from this network.
 * - `stale`: nothing was heard of the catalogue for so long that no key is believed.
 */
export type Identified =
  | { readonly kind: 'caller'; readonly caller: MeteringCaller }
  | { readonly kind: 'unauthorized'; readonly why: UnauthorizedReason }
  | { readonly kind: 'blocked'; readonly forMs: number }
  | { readonly kind: 'stale' };

export interface ApiKeysDeps {
  readonly view: Pick<CatalogueView, 'get' | 'ageMs'>;
  readonly clock: Clock;
  /** Whether the SHA-256 of the secret's text is this, 64 hex digits; takes as long whatever is asked. */
  readonly matchesSha256: (secret: string, sha256: string) => boolean;
  /** Whether it is the operator's token; counts wrong ones against the address. */
  readonly tryOperatorToken: (
    token: string,
    remoteAddress: string,
  ) =>
    | { readonly kind: 'right' }
    | { readonly kind: 'wrong' }
    | { readonly kind: 'blocked'; readonly forMs: number };
}

/** Whose 64 zeros are compared with where no key has the id, so that the answer takes as long. */
const NO_SHA256 = '0'.repeat(64);
const OPERATOR: Identified = { kind: 'caller', caller: { key: null } };
const STALE: Identified = { kind: 'stale' };

export class ApiKeys {
  readonly #deps: ApiKeysDeps;

  constructor(deps: ApiKeysDeps) {
    this.#deps = deps;
  }

  /** `bearer`: what stands behind `Bearer ` in the Authorization; null where there is none. */
  identify(bearer: string | null, remoteAddress: string): Identified {
    if (bearer === null) return unauthorized('missing');
    if (bearer.startsWith(API_KEY_PREFIX)) return this.#identifyKey(bearer);
    const trial = this.#deps.tryOperatorToken(bearer, remoteAddress);
    if (trial.kind === 'right') return OPERATOR;
    return trial.kind === 'blocked' ? trial : unauthorized('unknown');
  }

  /** Whether a caller that was identified before would still be: for streams that outlive their keys. */
  stillHolds({ key }: MeteringCaller): boolean {
    if (key === null) return true;
    const newest = this.#deps.view.get('api_key', key.id);
    return newest?.secretSha256 === key.secretSha256 && this.#judge(newest).kind === 'caller';
  }

  #identifyKey(bearer: string): Identified {
    const [whole, id = '', secret = ''] = KEY.exec(bearer) ?? [];
    const key = this.#deps.view.get('api_key', id);
    const matches = this.#deps.matchesSha256(secret, key?.secretSha256 ?? NO_SHA256);
    if (this.#deps.view.ageMs > KEYS_STALE_MS_MAX) return STALE;
    if (key === null) return unauthorized(whole === undefined ? 'unknown' : 'unheard');
    return matches ? this.#judge(key) : unauthorized('unknown');
  }

  #judge(key: ApiKey): Identified {
    if (this.#deps.view.ageMs > KEYS_STALE_MS_MAX) return STALE;
    const now = this.#deps.clock.now();
    if (key.revokedAt !== null) return unauthorized('revoked');
    if (key.expiresAt !== null && key.expiresAt <= now) return unauthorized('expired');
    return { kind: 'caller', caller: { key } };
  }
}

/** Whether the caller may do what the scope stands for. */
export function mayUse({ key }: MeteringCaller, scope: ApiKeyScope): boolean {
  return key === null || key.scopes.includes(scope);
}

/** The whole key as its holder is shown it, once. `secret`: 32 random bytes as base64url. */
export function apiKeyText(id: string, secret: string): string {
  return `${API_KEY_PREFIX}${id}_${secret}`;
}

function unauthorized(why: UnauthorizedReason): Identified {
  return { kind: 'unauthorized', why };
}
