/** Steps of the pulse ledger as its contract suite writes them: pulses one by one, turned into columns. */
import { createHash } from 'node:crypto';
import { type Decimal, parseDecimal } from '../../src/domain/counting/decimal.ts';
import type { DeadLetterReport } from '../../src/domain/metering/dead-letter.ts';
import { deadLetterId } from '../../src/domain/metering/dead-letter.ts';
import { AMOUNT_SCALE, type Pulse, type UsageSeries } from '../../src/domain/metering/pulse.ts';
import {
  type UsageTotal,
  type UsageWindow,
  usageOf,
  usageWindowOf,
} from '../../src/domain/metering/usage.ts';
import { addTotals } from '../../src/domain/metering/usage-sum.ts';
import type { DeadLetters } from '../../src/ports/dead-letters.ts';
import type {
  PulseAct,
  PulseColumns,
  PulseConflict,
  PulseLedger,
  PulseStep,
  StoredPulse,
} from '../../src/ports/pulse-ledger.ts';
import { LOG_ID } from '../../src/ports/store-under-test.ts';
import { encodedPulse } from './pulse-bytes.ts';
import { checkpoint } from './store-step-samples.ts';

export const HOUR_MS = 3_600_000;
/** A whole hour, ms since the Unix epoch, on the day before Berlin's clocks went back in 2026. */
export const NOON = Date.UTC(2026, 9, 24, 12);

/** Both ports on one store, as every adapter serves them. */
export type PulseStore = PulseLedger & { readonly deadLetters: DeadLetters };

/** A pulse with what the log knows of it. */
export interface LoggedPulse {
  readonly pulse: Pulse;
  readonly receivedAt: number;
  /** Null: the first block of the step. */
  readonly offset: number | null;
}

type PulseFields = Partial<Omit<Pulse, 'amount'>> & { readonly amount?: string };

/** A logged pulse; `amount` is written as in a request: `-12.50`. */
export function logged(
  fields: PulseFields & { readonly receivedAt?: number; readonly offset?: number } = {},
): LoggedPulse {
  const { amount = '1', receivedAt = NOON + 60_000, offset = null, ...rest } = fields;
  const pulse: Pulse = {
    id: 'pulse-1',
    source: 'gateway',
    tenant: 'acme',
    sku: 'storage',
    unit: 'GB',
    occurredAt: NOON,
    attributes: {},
    ...rest,
    amount: decimalOf(amount),
  };
  return { pulse, receivedAt, offset };
}

/** What the pulse is known by, 32 hex digits. Any hash of tenant, source and id does for a store. */
export function keyOf({ pulse }: LoggedPulse): string {
  return digestOf([pulse.tenant, pulse.source, pulse.id]);
}

/** In whole numbers of 10^-AMOUNT_SCALE. */
export function units(amount: string | Decimal): bigint {
  const { mantissa, scale } = typeof amount === 'string' ? decimalOf(amount) : amount;
  return mantissa * 10n ** BigInt(AMOUNT_SCALE - scale);
}

export function columnsOf(pulses: readonly LoggedPulse[], firstOffset = 0): PulseColumns {
  const series = new Map<string, { readonly index: number; readonly series: UsageSeries }>();
  const messages = pulses.map(({ pulse }) => encodedPulse(pulse));
  const ends: number[] = [];
  for (const { length } of messages) ends.push((ends.at(-1) ?? 0) + length);
  const seriesIndex = pulses.map(({ pulse: { tenant, sku, unit } }) => {
    const name = JSON.stringify([tenant, sku, unit]);
    const known = series.get(name) ?? { index: series.size, series: { tenant, sku, unit } };
    series.set(name, known);
    return known.index;
  });
  return {
    count: pulses.length,
    bytes: new Uint8Array(Buffer.concat(messages)),
    start: Uint32Array.from([0, ...ends.slice(0, -1)].slice(0, pulses.length)),
    end: Uint32Array.from(ends),
    keys: bytesOf(pulses.map(keyOf)),
    digests: bytesOf(
      pulses.map(({ pulse: { sku, unit, amount, occurredAt, attributes } }) =>
        digestOf([sku, unit, String(units(amount)), occurredAt, Object.entries(attributes).sort()]),
      ),
    ),
    series: [...series.values()].map((entry) => entry.series),
    seriesIndex: Uint32Array.from(seriesIndex),
    amounts: pulses.map(({ pulse }) => units(pulse.amount)),
    occurredAt: Float64Array.from(pulses, ({ pulse }) => pulse.occurredAt),
    receivedAt: Float64Array.from(pulses, ({ receivedAt }) => receivedAt),
    offset: Float64Array.from(pulses, ({ offset }) => offset ?? firstOffset),
  };
}

/** What the pulses come to if all are new; of several with one key the first counts. */
export function totalsOf(pulses: readonly LoggedPulse[]): readonly UsageWindow[] {
  const seen = new Set<string>();
  const windows = new Map<string, UsageWindow>();
  for (const one of pulses) {
    const key = keyOf(one);
    if (seen.has(key)) continue;
    seen.add(key);
    const { tenant, sku, unit, amount, occurredAt } = one.pulse;
    const start = usageWindowOf(occurredAt);
    const name = JSON.stringify([tenant, sku, unit, start]);
    const total: UsageTotal = usageOf(units(amount), occurredAt, key);
    const before = windows.get(name);
    windows.set(name, {
      series: { tenant, sku, unit },
      start,
      ...(before === undefined ? total : addTotals(before, total)),
    });
  }
  return [...windows.values()];
}

/** A step over the `length` blocks from `from` on that brings these pulses, acts and dead letters. */
export function pulseStep(
  pulses: readonly LoggedPulse[],
  fields: Partial<PulseStep> & { readonly epoch: number; readonly length?: number },
): PulseStep {
  const { length = 1, from = 0, ...rest } = fields;
  return {
    partition: 0,
    from,
    checkpoint: checkpoint(from + length),
    pulses: columnsOf(pulses, from),
    totals: totalsOf(pulses),
    acts: [],
    deadLetters: [],
    ...rest,
  };
}

export function voiding(target: LoggedPulse, fields: Partial<PulseAct> = {}): PulseAct {
  return {
    kind: 'void',
    actId: 'act-1',
    target: keyOf(target),
    amount: null,
    reason: 'sent by a test machine',
    actor: 'ana',
    at: NOON + HOUR_MS,
    offset: 0,
    ...fields,
  };
}

export function amending(
  target: LoggedPulse,
  amount: string,
  fields: Partial<PulseAct> = {},
): PulseAct {
  return voiding(target, { kind: 'amend', actId: 'act-2', amount: units(amount), ...fields });
}

/** A report whose bytes are `text`; its id follows from them. */
export function report(text: string, fields: Partial<DeadLetterReport> = {}): DeadLetterReport {
  const bytes = new TextEncoder().encode(text);
  const queue = fields.queue ?? 'resource-consumption.dlq';
  return {
    id: deadLetterId(queue, bytes, sha256),
    queue,
    bytes,
    origin: { logId: LOG_ID, partition: 0, offset: 0, index: 0 },
    tenant: 'acme',
    code: 'malformed',
    message: 'The bytes are not a Pulse message.',
    failedAt: NOON,
    ...fields,
  };
}

export function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** What a store says of a pulse that counts, save when it was stored, which is the store's own affair. */
export function stored(
  one: LoggedPulse,
  fields: Partial<Omit<StoredPulse, 'storedAt'>> = {},
): Omit<StoredPulse, 'storedAt'> {
  return {
    key: keyOf(one),
    pulse: one.pulse,
    state: 'counted',
    amount: units(one.pulse.amount),
    receivedAt: one.receivedAt,
    partition: 0,
    offset: one.offset ?? 0,
    duplicates: 0,
    conflicts: 0,
    acts: [],
    ...fields,
  };
}

export function withoutStoredAt(pulse: StoredPulse | null): Omit<StoredPulse, 'storedAt'> | null {
  if (pulse === null) return null;
  const { storedAt, ...rest } = pulse;
  if (!Number.isSafeInteger(storedAt)) throw new Error(`Stored at ${storedAt}`);
  return rest;
}

/** All pulses of a list, page by page; every page is held to the limit. */
export async function pulsesOf(
  ledger: Pick<PulseLedger, 'pulses'>,
  filter: { readonly tenant: string | null; readonly from?: number; readonly to?: number },
  limit: number,
): Promise<readonly Omit<StoredPulse, 'storedAt'>[]> {
  const range = { from: 0, to: Number.MAX_SAFE_INTEGER, ...filter };
  const all = await pagesOf(limit, async (cursor) => {
    const { pulses, nextCursor } = await ledger.pulses(range, cursor, limit);
    return { items: pulses, nextCursor };
  });
  return all.flatMap((pulse) => withoutStoredAt(pulse) ?? []);
}

/** All conflicts of a list, page by page. */
export async function conflictsOf(
  ledger: Pick<PulseLedger, 'conflicts'>,
  tenant: string | null,
  limit: number,
): Promise<readonly PulseConflict[]> {
  return pagesOf(limit, async (cursor) => {
    const { conflicts, nextCursor } = await ledger.conflicts(tenant, cursor, limit);
    return { items: conflicts, nextCursor };
  });
}

/** Everything that a list has, page by page; every page is held to the limit. */
export async function pagesOf<Item>(
  limit: number,
  page: (
    cursor: string | null,
  ) => Promise<{ readonly items: readonly Item[]; readonly nextCursor: string | null }>,
): Promise<readonly Item[]> {
  const all: Item[] = [];
  let cursor: string | null = null;
  do {
    const { items, nextCursor } = await page(cursor);
    if (items.length > limit) throw new Error(`A page of ${items.length}, not ${limit}`);
    if (nextCursor !== null && nextCursor === cursor) throw new Error('A page twice');
    if (nextCursor !== null && items.length === 0) throw new Error('An empty page, and more');
    all.push(...items);
    cursor = nextCursor;
  } while (cursor !== null);
  return all;
}

function decimalOf(amount: string): Decimal {
  const decimal = parseDecimal(amount);
  if (decimal === null) throw new Error(`${amount} is no decimal`);
  return decimal;
}

function digestOf(parts: unknown): string {
  return sha256(new TextEncoder().encode(JSON.stringify(parts))).slice(0, 32);
}

function bytesOf(hex: readonly string[]): Uint8Array {
  return new Uint8Array(Buffer.from(hex.join(''), 'hex'));
}
