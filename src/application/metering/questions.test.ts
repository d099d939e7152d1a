/** Proves the questions that metering answers from its stores: a pulse, a statement, the overview, a recomputation. */
import { expect, test } from 'bun:test';
import { MeteringWorks, pulse } from '../../../test/support/metering-works.ts';
import { at, contract, priceOf, threshold } from '../../../test/support/rating-room.ts';
import { formatDecimal } from '../../domain/counting/decimal.ts';
import { encodePulse } from '../../domain/metering/pulse-codec.ts';
import type { UsageRecord } from '../../domain/metering/usage.ts';
import { getOverview } from './get-overview.ts';
import { getPulse } from './get-pulse.ts';
import { getStatement, STATEMENT_LINES_MAX } from './get-statement.ts';
import { recomputeUsage } from './recompute-usage.ts';

const NAME = { tenant: 'acme', source: 'meter', id: '1' };

async function usedRoom(): Promise<MeteringWorks> {
  const room = new MeteringWorks('2026-03-10');
  await room.put('contract', contract('gold', { prices: [priceOf('disk', '2')] }));
  await room.send(pulse('1', '5'), pulse('2', '1', { sku: 'ram' }));
  return room;
}

test('a pulse tells its state, and whether its usage has gone to rating', async () => {
  const room = await usedRoom();
  expect(await room.useCases.pulse(NAME)).toMatchObject({
    kind: 'ok',
    pulse: { state: 'counted', duplicates: 0 },
    usageSent: true,
  });
  const { ledger, letters } = room;
  const waiting = async (sku: string, count: number): Promise<boolean> => {
    const record = { series: { tenant: 'acme', sku, unit: 'GiB' }, start: at('2026-03-05T12:00') };
    const pending = Array.from({ length: count }, () => record as UsageRecord);
    const pendingUsage = async (): Promise<readonly UsageRecord[]> => pending;
    const find = (key: string) => ledger.find(key);
    const found = await getPulse({ ledger: { find, pendingUsage }, letters }, NAME);
    return found.kind === 'ok' && found.usageSent;
  };
  expect(await waiting('disk', 1)).toBe(false);
  expect(await waiting('cpu', 999)).toBe(true);
  // More wait than are looked through: it may be among them.
  expect(await waiting('cpu', 1_000)).toBe(false);
});

test('a dead letter is known by what it names, not by what else its bytes say', async () => {
  const room = await usedRoom();
  const broken = { ...pulse('x', '1'), unit: '' };
  const text = new TextEncoder().encode('\u0000no pulse');
  await room.append([encodePulse(broken), text, encodePulse({ ...broken, source: 'other' })]);
  await room.consume();
  const ask = (source: string, id: string) => room.useCases.pulse({ ...NAME, source, id });
  expect(await ask('meter', 'x')).toMatchObject({
    kind: 'dead_letter',
    letter: { origin: { index: 0 } },
  });
  expect(await ask('other', 'x')).toMatchObject({
    kind: 'dead_letter',
    letter: { origin: { index: 2 } },
  });
  expect(await ask('third', 'x')).toEqual({ kind: 'not_found' });
});

test('the statement is that of the period that holds the instant, with every page of its charges', async () => {
  const room = await usedRoom();
  expect(await room.useCases.statement('acme', at('2027-01-01'))).toBeNull();
  const statement = await room.useCases.statement('acme', at('2026-03-31T23:59'));
  expect(statement).toMatchObject({ tenant: 'acme', from: at('2026-03-01'), to: at('2026-04-01') });
  expect(statement?.isFinal).toBe(false);
  expect(statement?.totals.map(({ amount }) => formatDecimal(amount))).toEqual(['10.00']);
  expect(statement?.unpriced.map(({ series }) => series.sku)).toEqual(['ram']);
  const { book } = room;
  const paged = {
    periods: book.periods.bind(book),
    unpriced: book.unpriced.bind(book),
    charges: (filter: Parameters<typeof book.charges>[0], cursor: string | null) =>
      book.charges(filter, cursor, 1),
  };
  await room.put(
    'contract',
    contract('gold', { prices: ['disk', 'ram'].map((sku) => priceOf(sku, '2')) }),
  );
  await room.rate();
  const whole = await getStatement({ book: paged }, 'acme', at('2026-03-05'));
  expect(whole?.totals.map(({ amount }) => formatDecimal(amount))).toEqual(['12.00']);
});

test('a statement of more lines than one may have is refused, with what to do instead', async () => {
  const { book, useCases } = await usedRoom();
  const [charge] = (await book.charges({ tenant: 'acme', from: 0, to: at('2027-01-01') }, null, 1))
    .charges;
  if (charge === undefined) throw new Error('Nothing was charged.');
  const [unpriced] = await useCases.unpriced({ tenant: null, from: 0, to: at('2027-01-01') }, 1);
  if (unpriced === undefined) throw new Error('All of it was priced.');
  const many = (charges: number, without: number) => ({
    periods: book.periods.bind(book),
    charges: async () => ({ charges: Array(charges).fill(charge), nextCursor: null }),
    unpriced: async (_: unknown, limit: number) => Array(Math.min(without, limit)).fill(unpriced),
  });
  const ask = (charges: number, without: number) =>
    getStatement({ book: many(charges, without) }, 'acme', at('2026-03-05'));
  const refused = { code: 'too_many_rows', message: expect.stringContaining('by page instead') };
  await expect(ask(STATEMENT_LINES_MAX + 1, 0)).rejects.toMatchObject(refused);
  await expect(ask(0, STATEMENT_LINES_MAX + 1)).rejects.toMatchObject(refused);
  expect((await ask(2, 3))?.unpriced).toHaveLength(3);
});

test('periods that a changed contract has left stand in one statement with those in their place', async () => {
  const room = await usedRoom();
  const prices = [priceOf('disk', '2')];
  await room.put('contract', contract('gold', { prices, timeZone: 'America/Sao_Paulo' }));
  await room.rate();
  const statement = await room.useCases.statement('acme', at('2026-03-05'));
  expect(statement?.periods).toHaveLength(2);
  expect(statement?.totals.map(({ amount }) => formatDecimal(amount))).toEqual(['10.00']);
});

test('the overview says how far each consumer is behind, and what waits', async () => {
  const room = await usedRoom();
  expect(await room.useCases.overview()).toMatchObject({
    partitions: [
      { partition: 0, end: 1, next: 1, books: { received: 2, counted: 2 } },
      { partition: 1, end: 0, next: 0 },
    ],
    usageBehind: 0,
    usagePending: 0,
    ratingDue: 0,
    deadLetters: { 'resource-consumption.dlq': 0, 'resource-usage.dlq': 0 },
  });
  await room.append([encodePulse(pulse('3', '1'))], 1);
  await room.usageLog.append([{ partition: 0, bytes: Uint8Array.of(1) }]);
  await room.book.makeDue('acme', at('2026-03-01'), at('2026-03-02'));
  expect(await room.useCases.overview()).toMatchObject({
    partitions: [{}, { end: 1, next: 0 }],
    usageBehind: 1,
    ratingDue: 1,
  });
  const pending = { ledger: { ...ledgerOf(room), pendingUsage: async () => [{} as UsageRecord] } };
  expect(await getOverview({ ...room.parts, ...pending, usage: null })).toMatchObject({
    usageBehind: 0,
    usagePending: 2,
  });
});

function ledgerOf({ ledger }: MeteringWorks) {
  return {
    checkpoint: ledger.checkpoint.bind(ledger),
    books: ledger.books.bind(ledger),
  };
}

test('usage that differs from its pulses is put right in every partition, and goes to rating', async () => {
  const room = await usedRoom();
  const asked: (readonly number[])[] = [];
  const { clock, catalogue } = room;
  let triggered = 0;
  const deps = {
    ledger: {
      recompute: async (...range: readonly [number, number, number]) => {
        asked.push(range);
        return [{} as UsageRecord];
      },
    },
    ...{ pulses: { partitions: 2 }, catalogue, clock },
    trigger: () => {
      triggered += 1;
    },
  };
  const [from, to] = [at('2026-03-05'), at('2026-03-06')];
  expect(await recomputeUsage(deps, { from: from + 1, to: to - 1, actor: 'ann' })).toBe(2);
  expect(asked).toEqual([
    [0, from, to],
    [1, from, to],
  ]);
  expect(triggered).toBe(1);
  expect((await catalogue.acts(null, null, 1)).acts[0]).toMatchObject({
    act: 'recompute',
    detail: '2 windows differed',
  });
  expect(await room.useCases.recomputeUsage({ from, to, actor: 'ann' })).toBe(0);
});

test('what the stores know is answered as they know it', async () => {
  const room = await usedRoom();
  await room.put('threshold', threshold('much', 'disk', '5'));
  await room.append([encodePulse(pulse('1', '6'))]);
  await room.consume();
  const { useCases } = room;
  const march = { tenant: 'acme', from: at('2026-03-01'), to: at('2026-04-01') };
  const { charges } = await useCases.charges(march, null, 10);
  expect(charges.map(({ series }) => series.sku)).toEqual(['disk']);
  expect(await useCases.charge(charges[0]?.id ?? '')).toEqual(charges[0] ?? null);
  expect((await useCases.unpriced(march, 9)).map(({ reason }) => reason)).toEqual(['no_price']);
  expect(await useCases.periods('acme', march.from, march.to)).toHaveLength(1);
  expect((await useCases.thresholdEvents('acme', 10)).map(({ amount }) => amount)).toEqual(['5']);
  expect((await useCases.pulses(march, null, 10)).pulses).toHaveLength(2);
  expect((await useCases.conflicts('acme', null, 10)).conflicts).toHaveLength(1);
});
