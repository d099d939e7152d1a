/** A folder with pulses that was written to behind its back: the audit names what differs, and a rebuild mends it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { MeteringAudit } from '../../src/application/metering/audit-metering.ts';
import { type ClientPulse, GrpcClient } from '../support/grpc-client.ts';
import { Installation, temporaryFolder } from '../support/installation.ts';
import { nothingWaits } from '../support/pulse-drill.ts';
import { runApura } from '../support/serve.ts';

const PARTITIONS = 2;
const STORY_MS = 60_000;
const DAY_MS = 86_400_000;
const PULSES = 60;
/** The days before the last whole one: none is cut by now. */
const NOON = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS / 2;

let sound: string;
let folder: string;

const pulse = (number: number): ClientPulse => ({
  id: `p-${number}`,
  source: 'gateway',
  tenant: number % 3 === 0 ? 'beta' : 'acme',
  productSku: 'storage',
  usedAmount: `${number}.25`,
  useUnity: 'GiB',
  occurredAt: { seconds: (NOON - (number % 2) * DAY_MS) / 1_000 + (number % 4), nanos: 0 },
});

beforeAll(async () => {
  await using apura = await Installation.start({
    env: { APURA_PARTITIONS: String(PARTITIONS), APURA_AGGREGATE_EVERY: '100ms' },
  });
  using client = new GrpcClient(Number(new URL(apura.serving.grpcUrl).port));
  const all = Array.from({ length: PULSES }, (_, number) => pulse(number));
  await client.ingest(all, { token: apura.token });
  await client.ingest([pulse(1), { ...pulse(2), usedAmount: '7' }], { token: apura.token });
  await nothingWaits(apura.client);
  const voided = await apura.client.operate('/v1/pulses/p-1/void?tenant=acme&source=gateway', {
    body: { actId: 'v-1', reason: 'sent by a test machine' },
  });
  expect(voided.status).toBeLessThan(300);
  await nothingWaits(apura.client);
  expect(await apura.serving.kill('SIGTERM')).toBe(0);
  sound = temporaryFolder();
  cpSync(apura.dataDir, sound, { recursive: true });
}, STORY_MS);
beforeEach(() => {
  folder = temporaryFolder();
  cpSync(sound, folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
afterAll(() => rmSync(sound, { recursive: true, force: true }));

/** Runs SQL on a file of the folder, as a hand at the wrong place would. */
function edit(file: string, sql: string): void {
  const database = new DatabaseSync(join(folder, file));
  try {
    const { changes } = database.prepare(sql).run();
    if (Number(changes) === 0) throw new Error(`${sql} changed nothing.`);
  } finally {
    database.close();
  }
}

async function audit(): Promise<{ readonly exitCode: number; readonly metering: MeteringAudit }> {
  const { exitCode, stdout, stderr } = await runApura(['audit', '--json', '--data', folder]);
  if (stdout === '') throw new Error(stderr);
  return { exitCode, metering: JSON.parse(stdout).metering };
}

const stores = ({ differences }: MeteringAudit): readonly string[] => [
  ...new Set(differences.map(({ store }) => store)),
];

async function rebuild(): Promise<void> {
  const { exitCode, stdout, stderr } = await runApura(['rebuild', 'pulses', '--data', folder]);
  expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('    at ')]);
  expect(stdout).toContain('pulse ledger is rebuilt');
}

describe('an audit of a folder with pulses', () => {
  test('says what it has compared, in words and as JSON', async () => {
    const { exitCode, metering } = await audit();
    expect([exitCode, metering.differences]).toEqual([0, []]);
    expect(metering).toMatchObject({ tenants: 2, pulses: PULSES, failure: null });
    const { stdout } = await runApura(['audit', '--data', folder]);
    expect(stdout).toContain(`${PULSES} held pulses, 0 dead letters`);
    expect(stdout).toEndWith('The books balance.\n');
  });

  test(
    'names a window that was edited; a rebuild mends it, and rating follows',
    async () => {
      edit(
        'pulse-ledger.db',
        `UPDATE usage_window SET sum = '7000000000000000000'
         WHERE (series, start, partition) = (SELECT series, start, partition FROM usage_window LIMIT 1)`,
      );
      const { exitCode, metering } = await audit();
      expect(exitCode).toBe(1);
      const [difference] = metering.differences;
      expect(difference).toMatchObject({
        store: 'pulse ledger',
        what: 'usage',
        series: { sku: 'storage', unit: 'GiB' },
        window: { from: expect.any(Number), to: expect.any(Number) },
      });
      const { stdout } = await runApura(['audit', '--data', folder]);
      expect(stdout).toContain('DIFFERENT pulse ledger, partition');
      expect(stdout).toContain('not_balanced');
      await rebuild();
      expect((await audit()).exitCode).toBe(0);
    },
    STORY_MS,
  );

  test(
    'names a pulse, a key and a day that are gone; a rebuild brings them back',
    async () => {
      edit('pulse-ledger.db', `DELETE FROM pulse WHERE key = (SELECT min(key) FROM pulse)`);
      const one = await audit();
      expect([one.exitCode, stores(one.metering)]).toEqual([1, ['held pulses']]);
      edit('pulse-ledger.db', `DELETE FROM pulse_key WHERE key = (SELECT max(key) FROM pulse_key)`);
      const key = await audit();
      expect(key.metering.differences.map(({ what }) => what)).toContain('keys that it knows');
      edit('pulse-ledger.db', `DELETE FROM usage_window WHERE start < ${NOON - DAY_MS / 2}`);
      const day = await audit();
      expect(day.metering.differences.map(({ what }) => what)).toContain('usage');
      await rebuild();
      const { exitCode, metering } = await audit();
      expect([exitCode, metering.differences]).toEqual([0, []]);
    },
    STORY_MS,
  );

  test(
    'names a window that no pulse stands behind, also in the rating book; a rebuild takes both back',
    async () => {
      const moved = `SET start = start + 900000 WHERE start >= ${NOON}`;
      edit('pulse-ledger.db', `UPDATE usage_window ${moved}`);
      edit('rating.db', `UPDATE usage ${moved}`);
      expect((await audit()).exitCode).toBe(1);
      await rebuild();
      const { exitCode, metering } = await audit();
      expect([exitCode, metering.differences]).toEqual([0, []]);
    },
    STORY_MS,
  );

  test(
    'misses a ledger that is gone; a rebuild makes it anew',
    async () => {
      for (const suffix of ['', '-wal', '-shm']) {
        rmSync(join(folder, `pulse-ledger.db${suffix}`), { force: true });
      }
      const { exitCode, stderr } = await runApura(['audit', '--data', folder]);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('store_corrupt')]);
      await rebuild();
      expect((await audit()).metering.differences).toEqual([]);
    },
    STORY_MS,
  );
});
