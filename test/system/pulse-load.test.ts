/** `apura load pulses` against a real server: usage is what was acknowledged, also when the server is killed on the way. */
import { expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApura, startServe } from '../support/serve.ts';
import { waitUntil } from '../support/wait-until.ts';

const load = (url: string, token: string, ...argv: readonly string[]) =>
  startApura(['load', 'pulses', '--url', url, '--token', token, '--json', ...argv]);

test('an honest run is exact, with pulses sent twice on purpose', async () => {
  const server = await startServe();
  try {
    const run = load(server.url, server.token, '--duration', '1s', '--duplicates', '0.2');
    const { exitCode, stdout, stderr } = await run.ended;
    expect(stderr).toBe('');
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ sent: 20_000, accepted: 20_000, exact: true });
    expect(report.duplicates.accepted).toBeGreaterThan(2_000);
    expect(report.balance.usage).toEqual(report.balance.acknowledged);
    expect(exitCode).toBe(0);
  } finally {
    await server.stop();
  }
});

test('a server that is killed in the middle has counted every acknowledged pulse once', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'apura-pulse-load-'));
  let server = await startServe({ dataDir });
  try {
    const { port, url, token } = server;
    const run = load(url, token, '--duration', '6s', '--rate', '5000', '--batch', '100');
    const books = () =>
      fetch(`${url}/v1/usage?from=${hourFromNow(-1)}&to=${hourFromNow(2)}`, {
        headers: { authorization: `Bearer ${token}` },
      });
    await waitUntil('pulses are counted', async () => {
      const { data } = (await (await books()).json()) as { readonly data: readonly unknown[] };
      return data.length > 10;
    });
    await server.kill('SIGKILL');
    server = await startServe({ dataDir, port });
    const { exitCode, stdout, stderr } = await run.ended;
    expect(stderr).toBe('');
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ sent: 30_000, accepted: 30_000, unknown: 0, exact: true });
    expect(report.tries).toBeGreaterThan(30_000);
    expect(exitCode).toBe(0);
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
});

function hourFromNow(hours: number): string {
  const hourMs = 3_600_000;
  return new Date((Math.floor(Date.now() / hourMs) + hours) * hourMs).toISOString();
}
