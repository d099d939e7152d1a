/**
 * The contract is all that a client needs: senders in Python and Go that are generated from it, and grpcurl
 * and ghz, which nobody here wrote, send to a real server, and usage comes out to the last decimal.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { fileURLToPath } from 'node:url';
import { createPulseClient } from '../../clients/typescript/src/pulse-client.ts';
import { type RunningServe, startServe } from '../support/serve.ts';
import { waitUntil } from '../support/wait-until.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUILD_TIMEOUT_MS = 20 * 60_000;
const INGEST = 'apura.metering.v1.PulseService/Ingest';

interface Used {
  readonly value: string;
  readonly count: number;
}

let server: RunningServe;
let target = '';

async function run(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const exitCode = await child.exited;
  if (exitCode !== 0) throw new Error(`${command[0]} ended with ${exitCode}:\n${stdout}${stderr}`);
  return stdout;
}

/** Usage of the product by the tenant, once `count` pulses are in it. */
async function usageOf(tenant: string, sku: string, count: number): Promise<Used> {
  const quarter = 900_000;
  const now = Math.floor(Date.now() / quarter) * quarter;
  const query = new URLSearchParams({
    ...{ tenant, sku, granularity: 'P1M' },
    from: new Date(now - 4 * quarter).toISOString(),
    to: new Date(now + 2 * quarter).toISOString(),
  });
  return waitUntil(`usage of ${sku} has ${count} pulses`, async () => {
    const response = await fetch(`${server.url}/v1/usage?${query}`, {
      headers: { authorization: `Bearer ${server.token}` },
    });
    const { data } = (await response.json()) as { readonly data: readonly Used[] };
    const counted = data.reduce((sum, row) => sum + row.count, 0);
    return counted >= count && data.length === 1 ? data[0] : null;
  });
}

beforeAll(async () => {
  await run(['tools/examples/build.sh']);
  server = await startServe();
  target = /gRPC +https?:\/\/(\S+)/.exec(server.output)?.[1] ?? '';
  expect(target).not.toBe('');
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await server?.stop();
});

describe('the example', () => {
  const senders = {
    python: ['build/tools/python/bin/python', 'examples/python/send_pulses.py'],
    go: ['build/examples/send-pulses'],
  };
  for (const [language, command] of Object.entries(senders)) {
    test(`in ${language} sends pulses that add up exactly`, async () => {
      const flags = ['--target', target, '--tenant', 'examples', '--count', '1201'];
      const said = await run([...command, ...flags], { APURA_TOKEN: server.token });
      expect(JSON.parse(said)).toEqual({ accepted: 1201, rejected: 0 });
      // 0.1 + 0.2 + … + 120.1
      expect(await usageOf('examples', `example.${language}`, 1201)).toMatchObject({
        value: '72180.1',
        count: 1201,
      });
    });

    test(`in ${language} gives up at once where it is not let in`, async () => {
      const sent = run([...command, '--target', target], { APURA_TOKEN: 'nobody' });
      await expect(sent).rejects.toThrow(/unauthenticated/i);
    });
  }
});

test('the TypeScript client sends pulses that add up exactly', async () => {
  const client = createPulseClient({ url: server.url, apiKey: server.token, source: 'typescript' });
  const pulse = { tenant: 'examples', productSku: 'example.typescript', useUnity: 'call' };
  const sent = Array.from({ length: 1_201 }, (_, n) =>
    client.send({ ...pulse, usedAmount: `${Math.floor((n + 1) / 10)}.${(n + 1) % 10}` }),
  );
  await expect(client.send({ ...pulse, usedAmount: 'much' })).resolves.toMatchObject({
    status: 'rejected',
    code: 'amount_invalid',
  });
  await client.close();
  for (const result of await Promise.all(sent)) expect(result.status).toBe('accepted');
  expect(await usageOf('examples', 'example.typescript', 1_201)).toMatchObject({
    value: '72180.1',
    count: 1_201,
  });
});

const grpcurl = (...argv: readonly string[]) =>
  run([
    ...['build/tools/bin/grpcurl', '-plaintext', '-H', `authorization: Bearer ${server.token}`],
    ...argv,
  ]);

const pulse = (sku: string, id: string, usedAmount: string) => ({
  ...{ id, source: 'somebody', tenant: 'strangers', productSku: sku, usedAmount },
  ...{ useUnity: 'GB', occurredAt: new Date().toISOString() },
});

describe('grpcurl', () => {
  test('learns the contract from the server, and sends by it', async () => {
    expect(await grpcurl(target, 'list')).toContain('apura.metering.v1.PulseService\n');
    expect(await grpcurl(target, 'describe', 'apura.metering.v1.Pulse')).toContain(
      'string used_amount = 5;',
    );
    const pulses = [
      pulse('curled', 'a', '0.000000000000000001'),
      pulse('curled', 'b', 'much'),
      pulse('curled', 'c', '99999999999999999999'),
    ];
    // The same twice: an answer that was lost on the way is asked for again.
    for (const _ of [1, 2]) {
      const said = await grpcurl('-d', JSON.stringify({ pulses }), target, INGEST);
      expect(JSON.parse(said).results).toMatchObject([
        { status: 'PULSE_STATUS_ACCEPTED' },
        { status: 'PULSE_STATUS_REJECTED', code: 'amount_invalid' },
        { status: 'PULSE_STATUS_ACCEPTED' },
      ]);
    }
    expect(await usageOf('strangers', 'curled', 2)).toMatchObject({
      value: '99999999999999999999.000000000000000001',
      count: 2,
    });
  });

  test('is told that the server is well', async () => {
    const said = await grpcurl(target, 'grpc.health.v1.Health/Check');
    expect(JSON.parse(said)).toEqual({ status: 'SERVING' });
  });
});

test('ghz, by the contract’s files, sends from many connections what is counted exactly', async () => {
  const calls = 200;
  const said = await run([
    ...[
      'build/tools/bin/ghz',
      '--insecure',
      '--proto',
      'proto/apura/metering/v1/pulse_service.proto',
    ],
    ...['--import-paths', 'proto', '--call', 'apura.metering.v1.PulseService.Ingest'],
    ...['--total', String(calls), '--concurrency', '8', '--connections', '4', '--format', 'json'],
    ...['--metadata', JSON.stringify({ authorization: `Bearer ${server.token}` })],
    ...[
      '--data',
      JSON.stringify({
        pulses: [
          pulse('hurried', '{{.RequestNumber}}-a', '0.1'),
          pulse('hurried', '{{.RequestNumber}}-b', '0.02'),
          // Of every call the same: counted once.
          pulse('hurried', 'same', '1000'),
        ],
      }),
    ],
    target,
  ]);
  expect(JSON.parse(said)).toMatchObject({ count: calls, statusCodeDistribution: { OK: calls } });
  const used = await usageOf('strangers', 'hurried', 2 * calls + 1);
  expect(used).toMatchObject({ value: '1024', count: 2 * calls + 1 });
});
