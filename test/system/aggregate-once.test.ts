/** One run of the aggregation with its log on RabbitMQ, whose streams tell nobody how long they are. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type InstallationApart, startApart } from '../support/installation-apart.ts';

const START_MS = 240_000;
const STORY_MS = 180_000;
const CONNECT = '/apura.metering.v1.PulseService/Ingest';
const PULSES = 50;
const PARTITIONS = 3;

let apura: InstallationApart;
beforeAll(async () => {
  const roles = { ingest: 0, tally: 0, ledger: 0, sync: 0 };
  apura = await startApart({ log: 'rabbitmq', roles, partitions: PARTITIONS });
}, START_MS);
afterAll(() => apura[Symbol.asyncDispose]());

const occurredAt = new Date(Date.now() - 60_000).toISOString();

/** Each of a tenant of its own, so that every partition has some. */
async function send(ids: readonly string[]): Promise<void> {
  const pulses = ids.map((id) => ({
    ...{ id, source: 'gateway', tenant: id, productSku: 'storage' },
    ...{ usedAmount: '0.1', useUnity: 'GiB', occurredAt },
  }));
  const response = await fetch(`${apura.queryUrls[0]}${CONNECT}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${apura.token}` },
    body: JSON.stringify({ pulses }),
  });
  expect([response.status, await response.text()]).toEqual([200, expect.not.stringMatching('REJ')]);
}

async function once(): Promise<string> {
  const { exitCode, stdout, stderr } = await apura.run(['aggregate', '--once']);
  expect([exitCode, stderr]).toEqual([0, '']);
  return stdout;
}

test(
  'one run takes in all that was confirmed before it, once, and one that finds nothing ends too',
  async () => {
    expect(await once()).toContain('0 before, 0 after');
    const ids = Array.from({ length: PULSES }, (_, n) => `p${n}`);
    await send(ids);
    const first = await once();
    expect(first).toContain(`One run over ${PARTITIONS} of ${PARTITIONS} partitions`);
    expect(first).toContain(`${PULSES} counted, 0 duplicates, 0 conflicts`);
    expect(first).toContain(`${PULSES} sent`);
    expect(first).toMatch(/[1-9]\d* before, 0 after/);
    // On from where the run before has ended, in a stream that others have read meanwhile.
    await send([...ids.slice(0, 3), 'late']);
    expect(await once()).toContain('1 counted, 3 duplicates, 0 conflicts');
    expect(await once()).toContain('0 counted, 0 duplicates, 0 conflicts');
  },
  STORY_MS,
);

test(
  'beside a process that runs on, one run waits for its share of the partitions',
  async () => {
    const running = await apura.start('aggregate', { APURA_AGGREGATE_EVERY: '1h' });
    expect(await once()).toMatch(
      /One run over [12] of 3 partitions .*other processes have the rest/,
    );
    await apura.remove(running);
    expect(await once()).toContain('One run over 3 of 3 partitions');
  },
  STORY_MS,
);
