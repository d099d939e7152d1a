/**
 * One story of metering on every stack, from outside: a tenant gets a contract and a key, sends pulses by
 * every protocol, some twice and some wrong, and usage and charges come out right to the last decimal.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type Answer, ApiClient, type Json } from '../support/api-client.ts';
import { type ClientPulse, type ClientResult, GrpcClient } from '../support/grpc-client.ts';
import {
  METERING_STACKS,
  type MeteringStack,
  type PulseDoorProcess,
} from '../support/metering-stacks.ts';
import { nothingWaits } from '../support/pulse-drill.ts';
import { waitUntil } from '../support/wait-until.ts';

const TENANT = 'acme';
const SOURCE = 'gateway';
const STORY_MS = 600_000;
/** Aggregation, the way to rating and rating take a second or two where nothing else runs. */
const SETTLED_WITHIN_MS = 150_000;
const HOUR_MS = 3_600_000;
const CONNECT = '/apura.metering.v1.PulseService/Ingest';

const now = Date.now();
/** An hour ago, at the beginning of a quarter: in the month of now but for the first hour of a month. */
const at = Math.floor((now - HOUR_MS) / 900_000) * 900_000;
const from = new Date(at - 24 * HOUR_MS).toISOString();
const to = new Date(Math.floor((now + HOUR_MS) / 900_000) * 900_000).toISOString();

const pulse = (id: string, amount: string, more: Partial<ClientPulse> = {}): ClientPulse => ({
  id,
  source: SOURCE,
  productSku: 'storage',
  usedAmount: amount,
  useUnity: 'GiB',
  occurredAt: { seconds: at / 1_000 + 30, nanos: 0 },
  ...more,
});

const statuses = (results: readonly ClientResult[]): readonly string[] =>
  results.map(({ status, code }) => `${status} ${code}`.replace('PULSE_STATUS_', '').trim());

describe.each(Object.keys(METERING_STACKS))('on %s', (name) => {
  const resources = new AsyncDisposableStack();
  let stack: MeteringStack;
  let key = '';
  /** Tries of `g-1` beyond those that the story is about: the door may have taken each, or not. */
  let resent = 0;

  beforeAll(async () => {
    const started = await METERING_STACKS[name]?.();
    if (started === undefined) throw new Error(`There is no stack ${name}.`);
    stack = resources.use(started);
  }, STORY_MS);
  afterAll(() => resources.disposeAsync());

  const operate = (path: string, body?: Json): Promise<Answer> =>
    stack.client.operate(path, body === undefined ? {} : { body });
  const asTenant = (path: string): Promise<Answer> => stack.client.ask(path, { token: key });
  const grpcOf = (door: PulseDoorProcess): GrpcClient =>
    new GrpcClient(Number(new URL(door.grpcUrl).port));

  /** value and count by sku and unit, of all time. */
  const usage = async (): Promise<Readonly<Record<string, string>>> => {
    const query = new URLSearchParams({ from, to, granularity: 'P1M', group_by: 'sku' });
    const { json } = await asTenant(`/v1/usage?${query}`);
    const rows = (json.data ?? []) as readonly {
      readonly value: string;
      readonly count: number;
      readonly unit: string;
      readonly dimensions: { readonly sku?: string };
    }[];
    return Object.fromEntries(
      rows.map(({ value, count, unit, dimensions }) => [
        `${dimensions.sku} ${unit}`,
        `${value} in ${count}`,
      ]),
    );
  };
  const usageIs = (expected: Readonly<Record<string, string>>): Promise<unknown> =>
    waitUntil(
      `usage is ${JSON.stringify(expected)}`,
      async () => JSON.stringify(await usage()) === JSON.stringify(expected),
      SETTLED_WITHIN_MS,
    );
  const charges = async (): Promise<Readonly<Record<string, string>>> => {
    const { json } = await asTenant(`/v1/charges?${new URLSearchParams({ from, to })}`);
    const items = (json.items ?? []) as readonly Readonly<Record<string, string>>[];
    return Object.fromEntries(
      items.map(({ sku, unit, rounded, currency }) => [`${sku} ${unit}`, `${rounded} ${currency}`]),
    );
  };
  const chargesAre = (expected: Readonly<Record<string, string>>): Promise<unknown> =>
    waitUntil(
      `charges are ${JSON.stringify(expected)}`,
      async () => JSON.stringify(await charges()) === JSON.stringify(expected),
      SETTLED_WITHIN_MS,
    );

  test(
    'an operator makes a product, a contract and a key; the key sees its tenant alone',
    async () => {
      expect((await operate('/v1/products', { sku: 'storage', name: 'Storage' })).status).toBe(201);
      const contract = await operate('/v1/contracts', {
        id: 'acme-2026',
        tenant: TENANT,
        currency: 'EUR',
        timeZone: 'America/Sao_Paulo',
        validFrom: '2026-01-01T03:00:00Z',
        prices: [
          {
            sku: 'storage',
            unit: 'GiB',
            model: 'tiered',
            tiersMode: 'graduated',
            tiers: [
              { upTo: '10', unitPrice: '0.5' },
              { upTo: null, unitPrice: '0.25' },
            ],
          },
        ],
      });
      expect([contract.status, contract.text]).toEqual([201, expect.any(String)]);
      const made = await operate('/v1/api-keys', {
        tenant: TENANT,
        name: 'gateway',
        scopes: ['ingest', 'read'],
      });
      expect(made.status).toBe(201);
      key = String(made.json.secret);
      await waitUntil(
        'the key is known',
        async () => (await asTenant('/v1/usage-events')).status === 200,
      );
      const foreign = new URLSearchParams({ tenant: 'rival', from, to, granularity: 'P1D' });
      expect((await asTenant(`/v1/usage?${foreign}`)).status).toBe(403);
      expect((await stack.client.ask('/v1/usage-events')).status).toBe(401);
      const own = (await asTenant('/v1/contracts')).json.items;
      expect(own).toEqual([expect.objectContaining({ id: 'acme-2026', tenant: TENANT })]);
    },
    STORY_MS,
  );

  test(
    'pulses come in by gRPC, Connect and CloudEvents, at every door, each judged for itself',
    async () => {
      const wrong = pulse('bad-1', '1e9');
      for (const door of stack.doors) {
        using client = grpcOf(door);
        await waitUntil(`${door.name} knows the key`, async () => {
          const probe = await client
            .ingest([pulse('probe', '1e9')], { token: key })
            .catch(() => null);
          return probe !== null;
        });
        const { results, tries } = await client.ingestUntilAnswered(
          [pulse('g-1', '0.1'), wrong, pulse('g-2', '0.2'), pulse('g-3', '12.7')],
          { token: key },
        );
        resent += tries - 1;
        expect(statuses(results)).toEqual([
          'ACCEPTED',
          'REJECTED amount_invalid',
          'ACCEPTED',
          'ACCEPTED',
        ]);
      }
      const [door] = stack.doors;
      const tenantAt = new ApiClient(() => ({ url: door.url, token: key }));
      const connect = await tenantAt.askUntilAnswered(CONNECT, {
        token: key,
        body: {
          pulses: [
            {
              id: 'c-1',
              source: SOURCE,
              productSku: 'storage',
              usedAmount: '7',
              useUnity: 'GiB',
              occurredAt: new Date(at + 60_000).toISOString(),
            },
          ],
        },
      });
      expect(connect.status).toBe(200);
      const event = await tenantAt.askUntilAnswered('/v1/pulses', {
        token: key,
        headers: { 'content-type': 'application/cloudevents+json' },
        body: {
          specversion: '1.0',
          id: 'e-1',
          source: SOURCE,
          type: 'calls',
          subject: TENANT,
          time: new Date(at + 90_000).toISOString(),
          data: { used_amount: '3', use_unity: 'call' },
        },
      });
      expect(event.status).toBe(202);
      using client = grpcOf(door);
      const foreign = await client.ingestUntilAnswered([pulse('f-1', '1', { tenant: 'rival' })], {
        token: key,
      });
      expect(statuses(foreign.results)).toEqual(['REJECTED tenant_mismatch']);
      await client.ingest([pulse('n-1', '1')]).then(
        () => expect.unreachable('nobody may send without a key'),
        (error: { readonly code: number }) => expect(error.code).toBe(16),
      );
    },
    STORY_MS,
  );

  test(
    'each counts once, whichever door it came to again; another one under its id is kept apart',
    async () => {
      const door = stack.doors.at(-1) ?? stack.doors[0];
      using client = grpcOf(door);
      const said = [pulse('g-1', '0.1'), pulse('g-2', '99')];
      const { tries } = await client.ingestUntilAnswered(said, { token: key });
      resent += tries - 1;
      await usageIs({ 'calls call': '3 in 1', 'storage GiB': '20 in 4' });
      // What is sent again changes no usage, so that usage does not tell when it was looked at.
      const again = async (): Promise<number> => {
        const { json } = await asTenant(`/v1/pulses/g-1?source=${SOURCE}`);
        return Number(json.duplicates);
      };
      const conflicts = async (): Promise<unknown> =>
        (await operate(`/v1/pulses/conflicts?tenant=${TENANT}`)).json.items;
      await waitUntil('all was looked at', async () => {
        const found = await conflicts();
        const isFound = Array.isArray(found) && found.length > 0;
        return isFound && (await again()) >= stack.doors.length;
      });
      expect(await again()).toBeLessThanOrEqual(stack.doors.length + resent);
      expect(await conflicts()).toEqual([expect.objectContaining({ id: 'g-2', amount: '99' })]);
      const known = await asTenant(`/v1/pulses/g-2?source=${SOURCE}`);
      expect(known.json).toMatchObject({ state: 'counted', amount: '0.2', conflicts: 1 });
    },
    STORY_MS,
  );

  test(
    'charges follow the contract to the cent, and say what has no price',
    async () => {
      // 10 at 0.5 and 10 at 0.25.
      await chargesAre({ 'storage GiB': '7.50 EUR' });
      const query = new URLSearchParams({ tenant: TENANT, from, to });
      await waitUntil('what has no price is listed', async () => {
        const { json } = await operate(`/v1/charges/unpriced?${query}`);
        const items = (json.items ?? []) as readonly Json[];
        return items.some(
          ({ sku, quantity, reason }) =>
            sku === 'calls' && quantity === '3' && reason === 'no_price',
        );
      });
      const price = await operate('/v1/prices', {
        id: 'calls-list',
        sku: 'calls',
        unit: 'call',
        currency: 'EUR',
        validFrom: '2026-01-01T00:00:00Z',
        model: 'package',
        quantityPerPackage: '2',
        price: '1.05',
      });
      expect([price.status, price.text]).toEqual([201, expect.any(String)]);
      // What waited without a price is priced by itself.
      await chargesAre({ 'calls call': '2.10 EUR', 'storage GiB': '7.50 EUR' });
      const statement = await asTenant(`/v1/statements/${TENANT}?at=${new Date(at).toISOString()}`);
      expect(statement.json).toMatchObject({
        tenant: TENANT,
        totals: [{ currency: 'EUR', amount: '9.60', lines: 2 }],
        unpriced: [],
      });
    },
    STORY_MS,
  );

  test(
    'a voided pulse and an amended one change usage and charges, once each',
    async () => {
      const act = (id: string, verb: string, body: Json): Promise<Answer> =>
        operate(`/v1/pulses/${id}/${verb}?tenant=${TENANT}&source=${SOURCE}`, body);
      for (let time = 0; time < 2; time += 1) {
        const voided = await act('c-1', 'void', { actId: 'v-1', reason: 'sent by a test machine' });
        expect([voided.status, voided.text]).toEqual([expect.any(Number), expect.any(String)]);
        expect(voided.status).toBeLessThan(300);
        const amended = await act('g-3', 'amend', {
          actId: 'a-1',
          amount: '9.7',
          reason: 'misread',
        });
        expect(amended.status).toBeLessThan(300);
      }
      await usageIs({ 'calls call': '3 in 1', 'storage GiB': '10 in 3' });
      await chargesAre({ 'calls call': '2.10 EUR', 'storage GiB': '5.00 EUR' });
      const voided = await asTenant(`/v1/pulses/c-1?source=${SOURCE}`);
      expect(voided.json).toMatchObject({ state: 'voided', countedAmount: '0' });
    },
    STORY_MS,
  );

  test(
    'the books add up, and nothing waits',
    async () => {
      // Also of what was sent again, which no usage tells of.
      await nothingWaits(stack.client);
      const { json } = await operate('/v1/metering/overview');
      const books = (
        json.partitions as readonly { readonly books: Readonly<Record<string, number>> }[]
      )
        .map((partition) => partition.books)
        .reduce((sum, each) => ({
          received: (sum.received ?? 0) + (each.received ?? 0),
          counted: (sum.counted ?? 0) + (each.counted ?? 0),
          duplicates: (sum.duplicates ?? 0) + (each.duplicates ?? 0),
          conflicts: (sum.conflicts ?? 0) + (each.conflicts ?? 0),
          voided: (sum.voided ?? 0) + (each.voided ?? 0),
        }));
      const doors = stack.doors.length;
      expect(books).toEqual({
        received: 3 * doors + 4,
        counted: 5,
        duplicates: 3 * (doors - 1) + 1,
        conflicts: 1,
        voided: 1,
      });
    },
    STORY_MS,
  );

  test(
    'what comes in while nobody aggregates shows as behind, and then counts exactly',
    async () => {
      const behind = async (): Promise<number> => {
        const { text } = await operateOn('/metrics');
        const lines = text.matchAll(
          /^apura_metering_messages_behind\{log="resource-consumption",partition="\d+"\} (\d+)$/gm,
        );
        return [...lines].reduce((sum, [, blocks]) => sum + Number(blocks), 0);
      };
      const operateOn = (path: string): Promise<Answer> => stack.client.mustBe(200, path);
      const { apart } = stack;
      const names = (apart?.processes ?? [])
        .filter(({ role }) => role === 'aggregate')
        .map(({ name: process }) => process);
      await Promise.all(names.map((process) => apart?.kill(process)));
      const [door] = stack.doors;
      using client = grpcOf(door);
      const blocks = 5;
      for (let n = 0; n < blocks; n += 1) {
        await client.ingestUntilAnswered([pulse(`b-${n}`, '0.001', { productSku: 'behind' })], {
          token: key,
        });
      }
      // Where all is one process, nothing stays behind for long.
      if (names.length > 0) {
        await waitUntil('it shows as behind', async () => (await behind()) === blocks);
        const { json } = await operateOn('/v1/metering/overview');
        const waiting = json.partitions as readonly {
          readonly end: number;
          readonly next: number;
        }[];
        expect(waiting.reduce((sum, { end, next }) => sum + end - next, 0)).toBe(blocks);
      }
      await Promise.all(names.map((process) => apart?.restart(process)));
      await usageIs({
        'behind GiB': '0.005 in 5',
        'calls call': '3 in 1',
        'storage GiB': '10 in 3',
      });
      expect(await behind()).toBe(0);
    },
    STORY_MS,
  );

  test(
    'the audit folds the log to the same books, usage and charges, while it all runs',
    async () => {
      // Charges of what is on its way to rating could not be held against the log yet.
      await nothingWaits(stack.client);
      const { exitCode, stdout, stderr } = await stack.run(['audit', '--json']);
      expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
      const { balanced, metering } = JSON.parse(stdout);
      expect(balanced).toBe(true);
      expect(metering).toMatchObject({
        ...{ differences: [], failure: null, tenants: 1, windows: 3, pulses: 10 },
        rating: { onTheirWay: 0, reckoned: 1, waiting: 0, charges: 2 },
      });
    },
    STORY_MS,
  );
});
