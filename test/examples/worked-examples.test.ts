/**
 * The examples of docs/metering/pricing.md from end to end: grpcurl, which nobody here wrote, sends their usage to a
 * real server, and its statements, charges and usage are the page's, to the last decimal.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { fileURLToPath } from 'node:url';
import { ApiClient, type Json } from '../support/api-client.ts';
import { type Example, examplesOf, PRICING_PAGE, type Row } from '../support/pricing-page.ts';
import { type RunningServe, startServe } from '../support/serve.ts';
import { waitUntil } from '../support/wait-until.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const INSTALL_MS = 20 * 60_000;
const STORY_MS = 60_000;
const HOUR_MS = 3_600_000;
const QUARTER_MS = HOUR_MS / 4;
const INGEST = 'apura.metering.v1.PulseService/Ingest';

const EXAMPLES = examplesOf(PRICING_PAGE).map((example, index) => ({ ...example, index }));
type Numbered = Example & { readonly index: number };
const ofKind = (kind: string): readonly (readonly [string, Numbered])[] =>
  EXAMPLES.filter((example) => example.kind === kind).map((example) => [example.title, example]);

interface Line extends Json {
  readonly steps: readonly { readonly words: string; readonly amount: string }[];
}

let server: RunningServe;
const client = new ApiClient(() => server);

beforeAll(async () => {
  const installed = Bun.spawn(['tools/examples/install.sh'], { cwd: ROOT, stderr: 'inherit' });
  expect(await installed.exited).toBe(0);
  server = await startServe({ env: { APURA_AGGREGATE_EVERY: '100ms' } });
}, INSTALL_MS);
afterAll(() => server?.stop());

/** Sends what tables of the page say was used, each row a pulse. */
async function send(rows: readonly Row[]): Promise<void> {
  const pulses = rows.map(({ tenant, sku, unit, amount, at }, index) => ({
    ...{ id: `${index}`, source: 'page', tenant, productSku: sku, useUnity: unit },
    ...{ usedAmount: amount, occurredAt: at },
  }));
  const child = Bun.spawn(
    [
      ...['build/tools/bin/grpcurl', '-plaintext'],
      ...['-H', `authorization: Bearer ${server.token}`, '-d', '@'],
      ...[new URL(server.grpcUrl).host, INGEST],
    ],
    {
      cwd: ROOT,
      stdin: new Blob([JSON.stringify({ pulses, allowBackfill: true })]),
      stdout: 'pipe',
      stderr: 'inherit',
    },
  );
  const said = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  expect(JSON.parse(said).results).toEqual(pulses.map(() => ({ status: 'PULSE_STATUS_ACCEPTED' })));
}

async function contract(body: Json): Promise<void> {
  await client.mustBe(201, '/v1/contracts', { body });
}

/** What the server lists at `path`, once there are `count`. */
async function listed(path: string, count: number): Promise<readonly Json[]> {
  const items = await waitUntil(`${path} lists ${count}`, async () => {
    const found = (await client.mustBe(200, path)).json.items as readonly Json[];
    return found.length >= count && found;
  });
  expect(items).toHaveLength(count);
  return items;
}

describe('a price', () => {
  test.each(ofKind('price'))(
    '%s: the statement says each step, the exact line and the charge',
    async (_, { index, body, tables }) => {
      const { sku, unit, currency, validFrom, ...terms } = body as Readonly<Record<string, string>>;
      const tenantOf = (row: number): string => `price-${index}-${row}`;
      const at = new Date().toISOString();
      const rows = tables.flat();
      for (const row of rows.keys()) {
        const tenant = tenantOf(row);
        const prices = [{ sku, unit, ...terms }];
        await contract({ id: tenant, tenant, currency, validFrom, prices });
      }
      await send(
        rows.map(({ usage = '' }, row) => ({
          ...{ tenant: tenantOf(row), sku: `${sku}`, unit: `${unit}`, amount: usage, at },
        })),
      );
      const reckoned: Row[] = [];
      for (const row of rows.keys()) {
        const tenant = tenantOf(row);
        const line = await waitUntil(`${tenant} is charged`, async () => {
          const { json } = await client.mustBe(200, `/v1/statements/${tenant}?at=${at}`);
          const [period] = json.periods as readonly { readonly lines: readonly Line[] }[];
          return period?.lines[0] ?? null;
        });
        expect(line.currency).toBe(currency);
        reckoned.push({
          usage: `${line.quantity}`,
          steps: line.steps.map(({ words, amount }) => `${words} = ${amount}`).join('; '),
          exact: `${line.precise}`,
          charge: `${line.rounded}`,
        });
      }
      expect(reckoned).toEqual([...rows]);
    },
    STORY_MS,
  );
});

describe('contracts and prices in time', () => {
  const chargedPulses = (rows: readonly Row[]): number =>
    rows.reduce((sum, { pulses }) => sum + Number(pulses), 0);
  const instant = (time: unknown): string => `${time}`.replace('.000Z', 'Z');

  test.each(ofKind('rating'))(
    '%s: charges and what has no price are those of the page',
    async (_, { index, body, tables }) => {
      const tenant = `rating-${index}`;
      const { contracts, prices } = body as { contracts: readonly Json[]; prices: readonly Json[] };
      for (const price of prices) await client.mustBe(201, '/v1/prices', { body: price });
      for (const each of contracts) await contract({ ...each, id: `${tenant}-${each.id}`, tenant });
      const [pulses = [], charges = [], unpriced = []] = tables;
      await send(pulses.map((row) => ({ ...row, tenant, at: `${row['occurred at']}` })));
      // Months without usage cost a minimum too: they are not on the page.
      const span = new URLSearchParams({
        from: charges.map(({ from = '' }) => from).sort()[0] ?? '',
        to:
          charges
            .map(({ to = '' }) => to)
            .sort()
            .at(-1) ?? '',
      });
      const charged = `/v1/charges?tenant=${tenant}&${span}`;
      // Minimums stand there before usage does.
      await waitUntil('all is charged', async () => {
        const items = (await client.mustBe(200, charged)).json.items as readonly Json[];
        return items.reduce((sum, each) => sum + Number(each.pulses), 0) >= chargedPulses(charges);
      });
      const found = await listed(charged, charges.length);
      const rows = found.map(
        (charge): Row => ({
          contract: `${(charge.period as Json).contract}`.replace(`${tenant}-`, ''),
          from: instant(charge.from),
          to: instant(charge.to),
          sku: `${charge.sku}`,
          usage: `${charge.quantity}`,
          pulses: `${charge.pulses}`,
          charge: `${charge.rounded}`,
        }),
      );
      expect(rows).toEqual([...charges]);
      const left = await listed(`/v1/charges/unpriced?tenant=${tenant}`, unpriced.length);
      const without = left.map(
        (usage): Row => ({
          unpriced: instant(usage.from),
          reason: `${usage.reason}`,
          sku: `${usage.sku}`,
          usage: `${usage.quantity}`,
          pulses: `${usage.pulses}`,
        }),
      );
      expect(without).toEqual([...unpriced]);
    },
    STORY_MS,
  );

  test.each(ofKind('days'))(
    '%s: usage by the day begins and ends where the page says',
    async (_, { body, tables }) => {
      const { timeZone } = body as { readonly timeZone: string };
      const tenant = 'days';
      const days = tables.flat();
      /** A day's first and last millisecond. */
      const edges = days.flatMap(({ from = '', to = '' }) => [
        Date.parse(from),
        Date.parse(to) - 1,
      ]);
      await send(
        edges.map((at) => ({
          ...{ tenant, sku: 'cpu', unit: 'h', amount: '0.5', at: new Date(at).toISOString() },
        })),
      );
      const query = new URLSearchParams({
        ...{ tenant, granularity: 'P1D', time_zone: timeZone },
        from: new Date(Math.min(...edges) - QUARTER_MS).toISOString(),
        to: new Date(Math.max(...edges) + 1 + QUARTER_MS).toISOString(),
      });
      const used = await waitUntil('all is counted', async () => {
        const rows = (await client.mustBe(200, `/v1/usage?${query}`)).json.data as readonly Json[];
        return rows.reduce((sum, { count }) => sum + Number(count), 0) >= edges.length && rows;
      });
      expect(
        used.map(({ from, to, value }) => ({
          from: instant(from),
          to: instant(to),
          hours: `${(Date.parse(`${to}`) - Date.parse(`${from}`)) / HOUR_MS}`,
          value,
        })),
      ).toEqual(
        days.map(({ from = '', to = '', hours = '' }) => ({ from, to, hours, value: '1' })),
      );
    },
    STORY_MS,
  );
});
