/** The HTTP edge with metering on use cases that answer what a test says, and keys of a tenant. */
import { apiKeyText, type Identified } from '../../src/application/metering/api-keys.ts';
import type { UsageAnswerRow } from '../../src/application/metering/query-usage.ts';
import type { Charge } from '../../src/domain/metering/charge.ts';
import type {
  ApiKey,
  Contract,
  ListPrice,
  Product,
  UsageThreshold,
} from '../../src/domain/metering/contract.ts';
import { readContractBody, readListPriceBody } from '../../src/domain/metering/contract-fields.ts';
import type { DeadLetter } from '../../src/domain/metering/dead-letter.ts';
import { priceLine } from '../../src/domain/metering/price-line.ts';
import { rerateDifference } from '../../src/domain/metering/rating-difference.ts';
import { type Statement, statementOf } from '../../src/domain/metering/statement.ts';
import type { ApiDeps } from '../../src/edge/http/api-deps.ts';
import type { MeteringUseCases } from '../../src/edge/http/metering-deps.ts';
import type { StoredPulse } from '../../src/ports/pulse-ledger.ts';
import type { PeriodRecord } from '../../src/ports/rating-book.ts';
import { type Ask, EdgeRoom } from './edge-room.ts';
import { meteringAct } from './metering-catalogue-samples.ts';
import { keyOf, logged, stored, units } from './pulse-samples.ts';
import { sampleEvent, sampleUnpriced } from './rating-samples.ts';
import { START_TIME } from './voting-room.ts';

export const NOVEMBER = Date.UTC(2026, 10, 1);
const DECEMBER = Date.UTC(2026, 11, 1);
const SECRET = 's'.repeat(43);

/** The whole keys, as their holders send them. */
export const KEYS = {
  /** May read, of acme. */
  reader: apiKeyText('reader', SECRET),
  /** May send pulses only, of acme. */
  sender: apiKeyText('sender', SECRET),
  revoked: apiKeyText('revoked', SECRET),
  expired: apiKeyText('expired', SECRET),
  /** One while the catalogue is away. */
  stale: apiKeyText('stale', SECRET),
  /** A wrong secret. */
  wrong: apiKeyText('reader', 'x'.repeat(43)),
  /** One that was made just now. */
  unheard: apiKeyText('new', SECRET),
} as const;

export function apiKey(fields: Partial<ApiKey> = {}): ApiKey {
  return {
    id: 'reader',
    tenant: 'acme',
    name: 'billing page',
    scopes: ['read'],
    secretSha256: 'ab'.repeat(32),
    createdAt: NOVEMBER,
    expiresAt: null,
    revokedAt: null,
    version: 1,
    ...fields,
  };
}

const IDENTIFIED: Readonly<Record<string, Identified>> = {
  [KEYS.reader]: { kind: 'caller', caller: { key: apiKey() } },
  [KEYS.sender]: {
    kind: 'caller',
    caller: { key: apiKey({ id: 'sender', scopes: ['ingest', 'backfill'] }) },
  },
  [KEYS.revoked]: { kind: 'unauthorized', why: 'revoked' },
  [KEYS.expired]: { kind: 'unauthorized', why: 'expired' },
  [KEYS.stale]: { kind: 'stale' },
  [KEYS.unheard]: { kind: 'unauthorized', why: 'unheard' },
};
const UNKNOWN: Identified = { kind: 'unauthorized', why: 'unknown' };

const STORED = { version: 1, createdAt: NOVEMBER };

const PRODUCT: Product = { sku: 'storage', name: 'Storage', ...STORED };

/** A graduated price, as a request brings it. */
export const PRICE_BODY = {
  sku: 'storage',
  unit: 'GB',
  currency: 'EUR',
  validFrom: '2026-01-01T00:00:00Z',
  model: 'tiered',
  tiersMode: 'graduated',
  tiers: [
    { upTo: '1000', unitPrice: '0.05' },
    { upTo: null, unitPrice: '0.04' },
  ],
} as const;
/** A price of each of the other models. */
export const CONTRACT_BODY = {
  id: 'acme-2026',
  tenant: 'acme',
  currency: 'EUR',
  validFrom: '2026-01-01T00:00:00Z',
  timeZone: 'America/Sao_Paulo',
  prices: [
    { sku: 'sms', unit: 'message', model: 'package', quantityPerPackage: '20', price: '5' },
    { sku: 'seat', unit: 'user', model: 'flat', price: '9.90', minimum: '1' },
    {
      sku: 'traffic',
      unit: 'MiB',
      model: 'per_unit',
      unitPrice: '0.12',
      conversion: { operation: 'divide', factor: '1024', scale: 3 },
    },
  ],
} as const;

export function listPrice(fields: Partial<ListPrice> = {}): ListPrice {
  const read = readListPriceBody(PRICE_BODY, 'create');
  if (read.kind !== 'ok') throw new Error(JSON.stringify(read.problems));
  const { expectedVersion: _, ...price } = read.value;
  return { ...price, id: 'storage-list', ...STORED, ...fields };
}

export function contract(fields: Partial<Contract> = {}): Contract {
  const read = readContractBody(CONTRACT_BODY, 'create');
  if (read.kind !== 'ok') throw new Error(JSON.stringify(read.problems));
  const { expectedVersion: _, ...terms } = read.value;
  return { ...terms, id: 'acme-2026', ...STORED, ...fields };
}

const THRESHOLD: UsageThreshold = {
  id: 'storage-1000',
  tenant: 'acme',
  sku: 'storage',
  unit: 'GB',
  amount: { mantissa: 1000n, scale: 0 },
  ...STORED,
};

const PERIOD: PeriodRecord = {
  tenant: 'acme',
  contract: 'acme-2026',
  from: NOVEMBER,
  to: DECEMBER,
  state: 'open',
  finalAt: null,
};

/** 1000.01 GB under the list price: two tiers, 50.0004 rounded to 50.00. */
export function charge(fields: Partial<Charge> = {}): Charge {
  const line = priceLine(listPrice(), { mantissa: 100_001n, scale: 2 });
  if (line === 'amount_too_large') throw new Error(line);
  const { state: _, finalAt: __, ...period } = PERIOD;
  return {
    ...line,
    id: 'charge-1',
    kind: 'usage',
    period,
    series: { tenant: 'acme', sku: 'storage', unit: 'GB' },
    from: NOVEMBER,
    to: DECEMBER,
    price: { id: 'storage-list', version: 1 },
    pulses: 3,
    adjusts: null,
    ...fields,
  };
}

export function statement(charges: readonly Charge[] = [charge()]): Statement {
  const unpriced = [sampleUnpriced()];
  const span = { from: NOVEMBER, to: DECEMBER };
  return statementOf({ tenant: 'acme', ...span, periods: [PERIOD], charges, unpriced });
}

export function usageRow(fields: Partial<UsageAnswerRow> = {}): UsageAnswerRow {
  return {
    from: NOVEMBER,
    to: NOVEMBER + 86_400_000,
    tenant: 'acme',
    sku: 'storage',
    unit: 'GB',
    sum: units('12.5'),
    count: 3,
    min: units('-0.5'),
    max: units('11'),
    last: units('2'),
    ...fields,
  };
}

export function storedPulse(fields: Partial<StoredPulse> = {}): StoredPulse {
  const pulse = logged({ amount: '1.50', attributes: { region: 'sa-east' } });
  return { ...stored(pulse), key: keyOf(pulse), storedAt: START_TIME, ...fields };
}

export function deadLetter(fields: Partial<DeadLetter> = {}): DeadLetter {
  return {
    id: 'ab'.repeat(32),
    queue: 'resource-consumption.dlq',
    bytes: Uint8Array.of(0, 255, 10),
    origin: { logId: 'log-1', partition: 0, offset: 7, index: null },
    tenant: null,
    code: 'block_invalid',
    message: 'The bytes are no block.',
    state: 'PENDING',
    attempts: 1,
    firstFailedAt: START_TIME,
    lastFailedAt: START_TIME,
    retryAt: null,
    resolvedBy: null,
    resolvedAt: null,
    ...fields,
  };
}

/** What a use case was asked. */
interface Asked {
  readonly method: keyof MeteringUseCases;
  readonly input: readonly unknown[];
}

/** One thing of each kind, where a test says nothing else. */
function answers(): MeteringUseCases {
  const entries = {
    product: PRODUCT,
    price: listPrice(),
    contract: contract(),
    threshold: THRESHOLD,
    api_key: apiKey(),
  };
  const letter = deadLetter();
  return {
    putEntry: async ({ kind }) => ({ kind: 'ok', entry: entries[kind] }),
    entry: async (kind) => entries[kind],
    entries: async (kind) => [entries[kind]],
    entryHistory: async (kind) => [entries[kind]],
    createApiKey: async () => ({ kind: 'ok', entry: entries.api_key, secret: KEYS.reader }),
    revokeApiKey: async () => ({ kind: 'ok', entry: apiKey({ revokedAt: NOVEMBER, version: 2 }) }),
    usage: async () => ({ kind: 'ok', rows: [usageRow()], asOf: START_TIME }),
    pulse: async () => ({ kind: 'ok', pulse: storedPulse(), usageSent: true }),
    pulses: async () => ({ pulses: [storedPulse()], nextCursor: null }),
    conflicts: async () => ({ conflicts: [storedPulse()], nextCursor: null }),
    actOnPulse: async () => ({ kind: 'ok', actId: 'act-1', pending: false, pulse: storedPulse() }),
    recomputeUsage: async () => 2,
    charges: async () => ({ charges: [charge()], nextCursor: null }),
    charge: async () => charge(),
    unpriced: async () => [sampleUnpriced()],
    periods: async () => [PERIOD],
    statement: async () => statement(),
    estimate: async () => ({ kind: 'ok', charges: [charge()], unpriced: [sampleUnpriced()] }),
    rerate: async () => rerateDifference([], [charge()]),
    previewEntry: async () => ({ kind: 'ok', difference: rerateDifference([charge()], []) }),
    thresholdEvents: async () => [sampleEvent()],
    deadLetters: async () => ({ letters: [letter], nextCursor: null }),
    deadLetter: async () => letter,
    requeueDeadLetter: async () => ({ kind: 'ok', letter: deadLetter({ state: 'REQUEUED' }) }),
    discardDeadLetter: async () => ({ kind: 'ok', letter: deadLetter({ state: 'DISCARDED' }) }),
    resolveDeadLetters: async () => ({ resolved: 7, failed: [], nextCursor: 'place' }),
    acts: async () => ({ acts: [meteringAct()], nextCursor: null }),
    overview: async () => ({
      partitions: [
        {
          partition: 0,
          end: 12,
          next: 10,
          books: {
            received: 5,
            counted: 3,
            duplicates: 1,
            conflicts: 1,
            voided: 0,
            deadLetters: 0,
          },
        },
      ],
      usageBehind: 1,
      usagePending: 2,
      ratingDue: 3,
      deadLetters: { 'resource-consumption.dlq': 1, 'resource-usage.dlq': 0 },
    }),
  };
}

export class MeteringEdgeRoom extends EdgeRoom {
  readonly asked: readonly Asked[];

  constructor(given: Partial<MeteringUseCases> = {}, overrides: Partial<ApiDeps> = {}) {
    const asked: Asked[] = [];
    const useCases = recorded({ ...answers(), ...given }, asked);
    const keys = { identify: (bearer: string | null) => IDENTIFIED[bearer ?? ''] ?? UNKNOWN };
    super({ metering: { useCases, keys }, ...overrides });
    this.asked = asked;
  }

  /** What the use case was asked last; undefined where it was not asked. */
  lastAsked(method: keyof MeteringUseCases): readonly unknown[] | undefined {
    return this.asked.findLast((each) => each.method === method)?.input;
  }
}

/** A request by a tenant's key. */
export function byKey(key: string, ask: Ask = {}): Ask {
  return { ...ask, headers: { ...ask.headers, authorization: `Bearer ${key}` } };
}

function recorded(useCases: MeteringUseCases, asked: Asked[]): MeteringUseCases {
  return new Proxy(useCases, {
    get(target, method: keyof MeteringUseCases) {
      const use = target[method] as (...input: readonly unknown[]) => unknown;
      return (...input: readonly unknown[]) => {
        asked.push({ method, input });
        return use(...input);
      };
    },
  });
}
