/** Which contract holds when, and where entries lie on a time line. */
import type { Contract, Validity } from './entries.ts';

export type ValidityState = 'coming' | 'valid' | 'over';

export function validityState({ validFrom, validTo }: Validity, now: number): ValidityState {
  if (now < Date.parse(validFrom)) return 'coming';
  return validTo === null || now < Date.parse(validTo) ? 'valid' : 'over';
}

/** The tenant's contract that holds at the instant. */
export function contractAt(
  contracts: readonly Contract[],
  tenant: string,
  at: number,
): Contract | undefined {
  return contracts.find(
    (contract) => contract.tenant === tenant && validityState(contract, at) === 'valid',
  );
}

/** The one that holds now, else the next, else the last one: whose clocks a tenant goes by. */
export function contractOf(
  contracts: readonly Contract[],
  tenant: string,
  now: number,
): Contract | undefined {
  const own = contracts
    .filter((contract) => contract.tenant === tenant)
    .sort((a, b) => Date.parse(a.validFrom) - Date.parse(b.validFrom));
  return (
    own.find((contract) => validityState(contract, now) === 'valid') ??
    own.find((contract) => validityState(contract, now) === 'coming') ??
    own.at(-1)
  );
}

/** Where it lies in `[from, to)`, in hundredths; an open end reaches to the edge. Null: outside. */
export function placeOnLine(
  { validFrom, validTo }: Validity,
  from: number,
  to: number,
): { readonly start: number; readonly width: number } | null {
  const begin = Math.max(from, Date.parse(validFrom));
  const end = Math.min(to, validTo === null ? to : Date.parse(validTo));
  if (end <= begin) return null;
  const share = (ms: number) => (ms / (to - from)) * 100;
  return { start: share(begin - from), width: share(end - begin) };
}
