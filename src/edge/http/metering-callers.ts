/** Tells tenants from operators and strangers: an API key says whose it is before anything else is asked. */
import { API_KEY_PREFIX, type ApiKeys, mayUse } from '../../application/metering/api-keys.ts';
import { bearerOf, type Caller, type Operators } from './operators.ts';

export interface TenantCallersDeps {
  /** Who knows callers without an API key, as far as this port has operators. */
  readonly operators: Pick<Operators, 'identify'>;
  readonly keys: Pick<ApiKeys, 'identify'>;
  /** Counts what is not even shaped as a key against its network, as it does a wrong operator token. */
  readonly trials: Pick<Operators, 'tryToken'>;
}

export function identifyTenants({
  operators,
  keys,
  trials,
}: TenantCallersDeps): Pick<Operators, 'identify'> {
  return {
    identify(request, remoteAddress): Caller {
      const bearer = bearerOf(request);
      if (bearer === null || !bearer.startsWith(API_KEY_PREFIX)) {
        return operators.identify(request, remoteAddress);
      }
      const identified = keys.identify(bearer, remoteAddress);
      switch (identified.kind) {
        case 'caller': {
          const { key } = identified.caller;
          if (key === null) return operators.identify(request, remoteAddress);
          const canRead = mayUse(identified.caller, 'read');
          return { kind: 'tenant', tenant: key.tenant, canRead, bearer };
        }
        case 'unauthorized': {
          const { why } = identified;
          if (why === 'revoked' || why === 'expired') {
            return { kind: 'public', bearer, blockedForMs: 0, keyProblem: why };
          }
          // A key that was made just now is right: its holder must not be taken for a guesser.
          if (why === 'unheard') {
            return { kind: 'public', bearer, blockedForMs: 0, keyProblem: 'unknown' };
          }
          const trial = trials.tryToken(bearer, remoteAddress);
          // An operator may have chosen a token that begins as keys do.
          if (trial.kind === 'right') return operators.identify(request, remoteAddress);
          const blockedForMs = trial.kind === 'blocked' ? trial.forMs : 0;
          return { kind: 'public', bearer, blockedForMs, keyProblem: 'unknown' };
        }
        case 'blocked':
          return { kind: 'public', bearer, blockedForMs: identified.forMs, keyProblem: 'unknown' };
        case 'stale':
          return { kind: 'public', bearer, blockedForMs: 0, keyProblem: 'stale' };
      }
    },
  };
}
