import { expect, test } from 'bun:test';
import { contractAt, contractOf, placeOnLine, validityState } from './contract-validity.ts';
import type { Contract } from './entries.ts';

const T = (day: number) => Date.UTC(2026, 0, day);

function contract(id: string, from: number, to: number | null, tenant = 'acme'): Contract {
  return {
    id,
    tenant,
    currency: 'EUR',
    validFrom: new Date(T(from)).toISOString(),
    validTo: to === null ? null : new Date(T(to)).toISOString(),
    timeZone: 'UTC',
    graceMs: 0,
    prices: [],
    version: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
  };
}

const SILVER = contract('silver', 1, 10);
const GOLD = contract('gold', 20, null);
const OTHER = contract('other', 1, null, 'globex');
const ALL = [GOLD, OTHER, SILVER];

test('a validity begins with its first instant and ends before its last', () => {
  expect(validityState(SILVER, T(1) - 1)).toBe('coming');
  expect(validityState(SILVER, T(1))).toBe('valid');
  expect(validityState(SILVER, T(10) - 1)).toBe('valid');
  expect(validityState(SILVER, T(10))).toBe('over');
  expect(validityState(GOLD, T(9_999))).toBe('valid');
});

test('a tenant goes by the contract that holds, else by the next, else by the last', () => {
  expect(contractAt(ALL, 'acme', T(15))).toBeUndefined();
  expect(contractAt(ALL, 'acme', T(5))?.id).toBe('silver');
  expect(contractOf(ALL, 'acme', T(15))?.id).toBe('gold');
  expect(contractOf([SILVER], 'acme', T(15))?.id).toBe('silver');
  expect(contractOf(ALL, 'nobody', T(15))).toBeUndefined();
});

test('a time line is cut at its edges', () => {
  expect(placeOnLine(SILVER, T(1), T(21))).toEqual({ start: 0, width: 45 });
  expect(placeOnLine(GOLD, T(0), T(40))).toEqual({ start: 50, width: 50 });
  expect(placeOnLine(SILVER, T(10), T(20))).toBeNull();
});
