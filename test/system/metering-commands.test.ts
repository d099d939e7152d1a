/** The commands of metering against real servers: one run of the aggregation, a range lost and brought back, dead letters. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKafkaLog } from '../../src/adapters/kafka/event-log.ts';
import { openPostgresPulseLedger } from '../../src/adapters/postgres/pulse-ledger.ts';
import { type InstallationApart, startApart } from '../support/installation-apart.ts';
import { waitUntil } from '../support/wait-until.ts';

const START_MS = 600_000;
const STORY_MS = 600_000;
const PULSES = 20;
const BATCHES = 20;
const KILLS = 3;
const HOUR_MS = 3_600_000;
const CONNECT = '/apura.metering.v1.PulseService/Ingest';

let apura: InstallationApart;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apura-commands-'));
  const roles = { ingest: 0, tally: 0, ledger: 0, sync: 0, archive: 1 };
  apura = await startApart({ log: 'kafka', archive: true, roles, partitions: 2 });
}, START_MS);
afterAll(async () => {
  await apura[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const at = Date.now() - HOUR_MS;
const SPAN = [
  ...['--from', new Date(at - HOUR_MS).toISOString()],
  ...['--to', new Date(at + HOUR_MS).toISOString()],
];

async function send(ids: readonly string[]): Promise<void> {
  const pulses = ids.map((id) => ({
    ...{ id, source: 'gateway', tenant: 'acme', productSku: 'storage' },
    ...{ usedAmount: '0.1', useUnity: 'GiB', occurredAt: new Date(at).toISOString() },
  }));
  const response = await fetch(`${apura.queryUrls[0]}${CONNECT}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${apura.token}` },
    body: JSON.stringify({ pulses }),
  });
  expect([response.status, await response.text()]).toEqual([200, expect.not.stringMatching('REJ')]);
}

async function run(...argv: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await apura.run(argv);
  expect([exitCode, stderr]).toEqual([0, '']);
  return stdout;
}

/** The ids of all copies of pulses in the archive. */
async function exported(): Promise<readonly string[]> {
  const out = join(folder, 'pulses.ndjson');
  await run('archive-export', ...SPAN, '--out', out, '--force');
  const lines = readFileSync(out, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => String(JSON.parse(line).id));
}

test(
  'pulses are aggregated by one run; forgotten ones come back from the archive, once; a file has all',
  async () => {
    const ids = Array.from({ length: PULSES }, (_, n) => `p${n}`);
    await send(ids);
    await send(ids.slice(0, 3));

    const first = await run('aggregate', '--once');
    expect(first).toContain('One run over 2 of 2 partitions');
    expect(first).toContain(`${PULSES} counted, 3 duplicates, 0 conflicts`);
    expect(first).toMatch(/[12] sent\n/);
    expect(first).toMatch(/[1-9]\d* before, 0 after/);
    expect(await run('aggregate', '--once')).toContain('0 counted, 0 duplicates, 0 conflicts');

    await waitUntil(
      'the archive has every copy',
      async () => (await exported()).length === PULSES + 3,
      180_000,
    );

    const logId = /log (resource-consumption-[0-9a-f]+)/.exec(first)?.[1] ?? '';
    await using ledger = await openPostgresPulseLedger({ url: `${apura.env.APURA_LEDGER}`, logId });
    expect(await ledger.forget(0, Date.now() + HOUR_MS)).toBe(PULSES);
    const all = async (): Promise<readonly string[]> => {
      const table = await run('archive-replay', ...SPAN);
      return /all +(.*)\n$/.exec(table)?.[1]?.split(/ +/) ?? [];
    };
    expect(await all()).toEqual([String(PULSES + 3), String(PULSES), '3', '0']);
    expect(await all()).toEqual([String(PULSES + 3), '0', String(PULSES + 3), '0']);
  },
  STORY_MS,
);

test(
  'an archive that is killed again and again while pulses come in keeps every one',
  async () => {
    const sent: string[] = [];
    const sendBatches = async (): Promise<void> => {
      for (let batch = 0; batch < BATCHES; batch += 1) {
        const ids = Array.from({ length: PULSES }, (_, n) => `killed-${sent.length + n}`);
        sent.push(...ids);
        await send(ids);
      }
    };
    for (let kills = 0; kills < KILLS; kills += 1) {
      await Promise.all([sendBatches(), apura.kill('archive-1')]);
      await sendBatches();
      await Promise.all([sendBatches(), apura.restart('archive-1')]);
    }
    const archived = async (): Promise<readonly string[]> =>
      (await exported()).filter((id) => id.startsWith('killed-'));
    await waitUntil(
      'the archive has as many',
      async () => (await archived()).length >= sent.length,
      180_000,
    );
    expect((await archived()).toSorted()).toEqual(sent.toSorted());
  },
  STORY_MS,
);

test(
  'bytes that are no block become a dead letter that is shown, sent again and given up by its id',
  async () => {
    const server = ['--url', `${apura.queryUrls[0]}`, '--token', apura.token];
    const list = async (): Promise<readonly Readonly<Record<string, unknown>>[]> =>
      JSON.parse(await run('dead-letters', 'list', '--json', ...server)).items;
    expect(await run('dead-letters', 'list', ...server)).toBe('There are no such dead letters.\n');

    const logId = /log (resource-consumption-[0-9a-f]+)/.exec(
      await run('aggregate', '--once'),
    )?.[1];
    const url = `${apura.env.APURA_LOG}`;
    await using log = await openKafkaLog({ url, logId: `${logId}`, partitions: 2 });
    await log.append([{ partition: 1, bytes: Uint8Array.of(0xde, 0xad) }]);
    expect(await run('aggregate', '--once')).toContain('1 before, 0 after');
    const [letter] = await list();
    expect(letter).toMatchObject({ state: 'PENDING', attempts: 1, size: 2 });
    const id = `${letter?.id}`;
    expect(await run('dead-letters', 'get', id, ...server)).toMatch(/bytes +dead\n/);

    expect(await run('dead-letters', 'requeue', id, ...server)).toContain('resolved');
    await run('aggregate', '--once');
    expect(await list()).toMatchObject([{ id, state: 'PENDING', attempts: 2 }]);

    const given = await run('dead-letters', 'discard', '--code', `${letter?.code}`, ...server);
    expect(given).toBe('1 letter given up.\n');
    const late = await apura.run(['dead-letters', 'requeue', id, ...server]);
    expect([late.exitCode, late.stdout]).toEqual([1, expect.stringContaining('conflict')]);
    expect(await list()).toMatchObject([{ id, state: 'DISCARDED' }]);
  },
  STORY_MS,
);
