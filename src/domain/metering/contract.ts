/** Contracts and products: who pays what for which product, and from when to when. */
import type { Decimal } from '../counting/decimal.ts';
import type { Price } from './price.ts';

export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly version: number;
  readonly createdAt: number;
}

/** A price that holds for every tenant whose contract says nothing of the product. */
export interface ListPrice extends Price {
  readonly id: string;
  /** `[validFrom, validTo)` by the time of the usage, ms, whole usage windows; null: for ever. */
  readonly validFrom: number;
  readonly validTo: number | null;
  readonly version: number;
  readonly createdAt: number;
}

export interface Contract {
  readonly id: string;
  readonly tenant: string;
  /** ISO 4217; every price of the contract is in it. */
  readonly currency: string;
  /**
   * `[validFrom, validTo)` by the time of the usage, ms, whole usage windows; null: for ever. Contracts of
   * one tenant never overlap.
   */
  readonly validFrom: number;
  readonly validTo: number | null;
  /** IANA zone in which its billing periods, calendar months, begin and end. */
  readonly timeZone: string;
  /** From a period's end to when it is final, ms: late pulses still belong to it. */
  readonly graceMs: number;
  /** In place of the list prices of the same sku and unit. */
  readonly prices: readonly Price[];
  readonly version: number;
  readonly createdAt: number;
}

/** Raises an event the first time that usage of a series reaches it in a billing period; put otherwise, once more. */
export interface UsageThreshold {
  readonly id: string;
  readonly tenant: string;
  readonly sku: string;
  readonly unit: string;
  readonly amount: Decimal;
  readonly version: number;
  readonly createdAt: number;
}

export const API_KEY_SCOPES = ['ingest', 'read', 'backfill'] as const;
export type ApiKeyScope = (typeof API_KEY_SCOPES)[number];

/** A tenant's key. The secret itself is shown once and kept nowhere. */
export interface ApiKey {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly scopes: readonly ApiKeyScope[];
  /** SHA-256 of the secret, 64 hex digits: it has 256 random bits, so that nothing slower is needed. */
  readonly secretSha256: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly version: number;
}
