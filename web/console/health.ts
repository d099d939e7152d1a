/** When a figure is calm, when it asks for a look, and when it asks for a hand. */
export type Health = 'good' | 'warning' | 'bad' | 'unknown';

/** Bounds are inclusive: up to `good` is calm, up to `warning` asks for a look. */
interface Bounds {
  readonly good: number;
  readonly warning: number;
}

/** Viewers are promised a count that moves within half a second, and see it lag from about two. */
const LAG_MS: Bounds = { good: 500, warning: 2_000 };

/** The ledger feeds reports, not screens: it may trail by more. */
const LEDGER_LAG_MS: Bounds = { good: 5_000, warning: 30_000 };

/** One slow flush is about 50 ms; half a second is where voters press again. */
const ACCEPT_MS: Bounds = { good: 50, warning: 500 };

/** A proof older than this proves little about now. */
const PROOF_AGE_MS: Bounds = { good: 60_000, warning: 300_000 };

export function lagHealth(ms: number | null): Health {
  return within(LAG_MS, ms);
}

export function ledgerLagHealth(ms: number | null): Health {
  return within(LEDGER_LAG_MS, ms);
}

export function acceptHealth(ms: number | null): Health {
  return within(ACCEPT_MS, ms);
}

/** A difference is bad however old; agreement is as good as its proof is fresh. */
export function consistencyHealth(
  state: 'consistent' | 'different' | 'checking',
  proofAgeMs: number | null,
): Health {
  if (state === 'different') return 'bad';
  const age = within(PROOF_AGE_MS, proofAgeMs);
  return age === 'bad' ? 'warning' : age;
}

/** Once a second the server says something: three missed beats make every number a memory. */
export const STALE_AFTER_MS = 3_000;

/** The age of what is shown, ms, when it is old enough to say so; null while it is fresh. */
export function staleness(heardAt: number | null, now: number): number | null {
  if (heardAt === null) return null;
  const age = now - heardAt;
  return age > STALE_AFTER_MS ? age : null;
}

function within(bounds: Bounds, value: number | null): Health {
  if (value === null) return 'unknown';
  if (value <= bounds.good) return 'good';
  return value <= bounds.warning ? 'warning' : 'bad';
}
