/** Pulses under load while every part of metering dies once: none is lost, each counts once, and is charged. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { Client } from 'pg';
import { openKafkaLog } from '../../src/adapters/kafka/event-log.ts';
import { openPostgresMeteringCatalogue } from '../../src/adapters/postgres/metering-catalogue.ts';
import { newLogSettings } from '../../src/compose/new-log.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import type { ApiClient, Json } from '../support/api-client.ts';
import { framedBlock } from '../support/archive-room.ts';
import { type Audit, Installation } from '../support/installation.ts';
import { type InstallationApart, startApart } from '../support/installation-apart.ts';
import { encodedPulse } from '../support/pulse-bytes.ts';
import {
  booksOf,
  makeContracts,
  meteringState,
  nothingWaits,
  PulseSenders,
  type SenderFigures,
} from '../support/pulse-drill.ts';
import { goOn, PULSE_FAULTS, PULSES_BETWEEN, settleExactly } from '../support/pulse-faults.ts';
import { logged } from '../support/pulse-samples.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { waitUntil } from '../support/wait-until.ts';

const KILLS = 6;
const KILLS_MAX = 30;
const PARTITIONS = 3;
const ROLES = { tally: 0, ledger: 0, sync: 0, aggregate: 2, rate: 1 };
const ENV = { APURA_AGGREGATE_EVERY: '200ms' };

async function expectExact(
  name: string,
  senders: PulseSenders,
  client: ApiClient,
  audit: () => Promise<Audit>,
): Promise<SenderFigures> {
  const figures = await settleExactly(senders, client, audit);
  console.log(`${name}: ${JSON.stringify(figures)}`);
  // The drill has drilled.
  const { repeated, contradicted, rejected } = figures;
  expect(Math.min(repeated, contradicted, rejected)).toBeGreaterThan(0);
  return figures;
}

/** Every fault once; then everything is exact. */
async function drill(
  log: 'kafka' | 'rabbitmq',
  apart: InstallationApart,
  client: ApiClient,
): Promise<SenderFigures> {
  const random = new SeededRandom();
  console.log(`pulses apart on ${log}: SEED=${random.seed}`);
  await using senders = new PulseSenders({
    doors: () => ['ingest-1', 'query-1'].map((name) => apart.process(name)),
    token: apart.token,
    seed: random.seed,
  });
  const underWay = { apart, senders, ratingAwayMs: 0 };
  try {
    await goOn(underWay);
    for (const { name, strike } of PULSE_FAULTS.filter(({ on = log }) => on === log)) {
      const struckAt = performance.now();
      await strike(underWay).catch((error: unknown) => {
        throw new Error(`${name}: ${error}`, { cause: error });
      });
      console.log(`  ${name}: over after ${Math.round(performance.now() - struckAt)} ms`);
    }
    return await expectExact(`pulses apart on ${log}`, senders, client, () => apart.audit());
  } catch (error) {
    throw new Error(`The drill has failed: ${error}\n${apart.logs}`, { cause: error });
  }
}

describe('kill -9 of a server that does it all', () => {
  test('loses no pulse that was acknowledged, counts each once and charges it', async () => {
    const random = new SeededRandom();
    console.log(`pulses in one process: SEED=${random.seed}`);
    await using apura = await Installation.start({
      env: { ...ENV, APURA_PARTITIONS: String(PARTITIONS) },
    });
    const { client } = apura;
    await makeContracts(client);
    await using senders = new PulseSenders({
      doors: () => [apura.serving],
      token: apura.token,
      seed: random.seed,
    });
    // Until one has met pulses under way: a kill is over in an instant.
    const isDrilled = (): boolean => senders.unknown > 0;
    for (let kill = 0; kill < KILLS || (!isDrilled() && kill < KILLS_MAX); kill += 1) {
      await senders.acknowledges(1 + random.below(PULSES_BETWEEN));
      await apura.kill();
      await apura.restart();
    }
    await senders.acknowledges(PULSES_BETWEEN);
    const audit = () => apura.audit();
    const { unknown } = await expectExact('pulses in one process', senders, client, audit);
    expect(unknown).toBeGreaterThan(0);
  });
});

describe('roles apart on rabbitmq and postgres', () => {
  test('lose no pulse that was acknowledged, count each once and charge it, whichever part dies', async () => {
    const options = { roles: ROLES, partitions: PARTITIONS, env: ENV };
    await using apart = await startApart({ log: 'rabbitmq', ...options });
    await makeContracts(apart.client);
    await drill('rabbitmq', apart, apart.client);
  });
});

describe('roles apart on kafka and postgres', () => {
  const resources = new AsyncDisposableStack();
  let apart: InstallationApart;
  let client: ApiClient;
  beforeAll(async () => {
    apart = resources.use(
      await startApart({ log: 'kafka', roles: ROLES, partitions: PARTITIONS, env: ENV }),
    );
    ({ client } = apart);
    await makeContracts(client);
  });
  afterAll(() => resources.disposeAsync());

  test('lose no pulse that was acknowledged, count each once and charge it, whichever part dies', async () => {
    const { unknown, repeated } = await drill('kafka', apart, client);
    expect(unknown).toBeGreaterThan(0);
    // Of what was in doubt the log held some: it was sent again all the same.
    expect(booksOf(await meteringState(client)).duplicates).toBeGreaterThan(repeated);
  });

  test('that have lost a pulse are named by the audit, and whole again after a rebuild from the log', async () => {
    const postgres = new Client({ connectionString: apart.postgres.url });
    await postgres.connect();
    try {
      await postgres.query(
        'DELETE FROM apura.pulse WHERE key = (SELECT key FROM apura.pulse ORDER BY key LIMIT 1)',
      );
    } finally {
      await postgres.end();
    }
    expect(await apart.audit()).toMatchObject({ exitCode: 1, balanced: false });
    const counted = booksOf(await meteringState(client));
    const { exitCode, stderr } = await apart.run(['rebuild', 'pulses']);
    expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('    at ')]);
    await nothingWaits(client);
    expect(booksOf(await meteringState(client))).toEqual(counted);
    expect(await apart.audit()).toMatchObject({ exitCode: 0, balanced: true });
  });

  describe('what lies in the log and can not be read', () => {
    /** Of this test alone. */
    let sku = '';
    beforeEach(() => {
      sku = crypto.randomUUID();
    });
    const pulseOf = (id: string, amount: string): Uint8Array =>
      encodedPulse(
        logged({ id, tenant: 'acme', sku, unit: 'GiB', amount, occurredAt: Date.now() }).pulse,
      );
    let log: EventLog;
    beforeAll(async () => {
      const { APURA_LOG: url = '', APURA_LEDGER: postgres = '' } = apart.env;
      await using catalogue = await openPostgresMeteringCatalogue({ url: postgres });
      const name = 'resource-consumption';
      const settings = await catalogue.mintLogSettings(name, newLogSettings(PARTITIONS, name));
      log = resources.use(await openKafkaLog({ url, ...settings }));
    });

    const sums = async (): Promise<string> => {
      const day = 86_400_000;
      const today = Math.floor(Date.now() / day) * day;
      const query = new URLSearchParams({
        sku,
        from: new Date(today - day).toISOString(),
        to: new Date(today + day).toISOString(),
        granularity: 'P1M',
      });
      const { json } = await client.mustBe(200, `/v1/usage?${query}`);
      const [row, ...more] = json.data as readonly Json[];
      expect(more).toEqual([]);
      return `${row?.value ?? 0} in ${row?.count ?? 0}`;
    };
    const letters = async (): Promise<readonly Json[]> =>
      (await client.mustBe(200, '/v1/dead-letters')).json.items as readonly Json[];
    /** The one letter that names this place in the log. */
    const letterAt = (partition: number, offset: number, index: number | null): Promise<Json> =>
      waitUntil(`a letter of ${partition}/${offset}`, async () => {
        const found = (await letters()).find(({ origin }) =>
          Bun.deepEquals(origin, { ...(origin as Json), partition, offset, index }),
        );
        return found === undefined
          ? null
          : (await client.mustBe(200, `/v1/dead-letters/${found.id}`)).json;
      });
    const append = async (partition: number, bytes: Uint8Array): Promise<number> => {
      const [offset] = await log.append([{ partition, bytes }]);
      return offset ?? -1;
    };
    const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
    const requeue = (letter: Json): Promise<unknown> =>
      client.mustBe(200, `/v1/dead-letters/${letter.id}/requeue`, { method: 'POST' });

    const failedAgain = (id: unknown): Promise<Json> =>
      waitUntil('it has failed again', async () => {
        const { json } = await client.mustBe(200, `/v1/dead-letters/${id}`);
        return json.attempts === 2 && json;
      });

    test('becomes a dead letter with its bytes, and what lies around it counts', async () => {
      const garbage = crypto.getRandomValues(new Uint8Array(100));
      const malformed = Uint8Array.of(0xff, 0xff, 0xff);
      await append(1, framedBlock(1, [pulseOf('before', '0.1')]));
      const block = await append(1, garbage);
      const around = [pulseOf('left', '0.02'), malformed, pulseOf('right', '0.003')];
      const amid = await append(1, framedBlock(1, around));
      await append(1, framedBlock(1, [pulseOf('after', '0.0004')]));
      const whole = await letterAt(1, block, null);
      expect(whole).toMatchObject({ state: 'PENDING', attempts: 1, bytes: base64(garbage) });
      const one = await letterAt(1, amid, 1);
      expect(one).toMatchObject({ state: 'PENDING', attempts: 1, bytes: base64(malformed) });
      await waitUntil('what lies around counts', async () => (await sums()) === '0.1234 in 4');

      await requeue(whole);
      await requeue(one);
      for (const { id, bytes } of [whole, one]) {
        expect(await failedAgain(id)).toMatchObject({ state: 'PENDING', bytes });
      }
      expect(await sums()).toBe('0.1234 in 4');
    });

    test('counts nowhere else than where it was sealed for, and there once', async () => {
      const astray = framedBlock(2, [pulseOf('astray', '0.00005')]);
      const offset = await append(0, astray);
      const letter = await letterAt(0, offset, null);
      expect(letter).toMatchObject({ code: 'block_invalid', bytes: base64(astray) });
      expect(await sums()).toBe('0 in 0');
      // Sent again it goes where it belongs, and counts.
      await requeue(letter);
      await nothingWaits(client);
      expect(await sums()).toBe('0.00005 in 1');
      // Once: also where it comes there again.
      await append(2, astray);
      await nothingWaits(client);
      expect(await sums()).toBe('0.00005 in 1');
    });
  });
});
