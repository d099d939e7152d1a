/** What stops a start, in words: a taken port, a folder in use, settings that can't be meant. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { rmSync } from 'node:fs';
import { Installation, temporaryFolder } from '../support/installation.ts';
import { runApura, startServe } from '../support/serve.ts';

type Env = Readonly<Record<string, string>>;

const SILENT: Env = { APURA_LOG_LEVEL: 'silent', APURA_HTTP_PORT: '0', APURA_GRPC_PORT: '0' };
const serve = (env: Env, ...flags: string[]) =>
  runApura(['serve', ...flags], { ...SILENT, ...env });

let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('serve ends with 1 and says why', () => {
  test('where the port is taken', async () => {
    await using apura = await Installation.start();
    const { port } = apura.serving;
    for (const name of ['APURA_HTTP_PORT', 'APURA_ADMIN_PORT']) {
      const { exitCode, stderr } = await serve({ APURA_DATA: folder, [name]: String(port) });
      expect(exitCode).toBe(1);
      expect(stderr).toContain('port_in_use: ');
      expect(stderr).toContain(`${port}`);
      expect(stderr).toContain(name);
    }
    expect((await apura.client.ask('/readyz')).status).toBe(200);
    // The folder was let go again.
    const serving = await startServe({ dataDir: folder });
    expect(await serving.kill('SIGTERM')).toBe(0);
  });

  test('where another process works in the folder, which goes on undisturbed', async () => {
    await using apura = await Installation.start();
    const { client, dataDir } = apura;
    await client.openPoll('undisturbed');
    const { exitCode, stderr, stdout } = await serve({ APURA_DATA: dataDir });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('data_folder_locked: ');
    expect(stdout).not.toContain('ready');
    for (const store of ['tally', 'ledger']) {
      const rebuild = await runApura(['rebuild', store, '--data', dataDir]);
      expect(rebuild.exitCode).toBe(1);
      expect(rebuild.stderr).toContain('data_folder_locked: ');
    }
    await client.votes('undisturbed', 'a', 3);
    expect((await client.countsAtRest('undisturbed')).total).toBe(3);
    // A killed holder holds nothing.
    await apura.crash();
    expect((await client.countsAtRest('undisturbed')).total).toBe(3);
  });

  test.each([
    [{ APURA_HTTP_PROT: '8080' }, 'APURA_HTTP_PROT'],
    [{ APURA_HTTP_PORT: 'http' }, 'APURA_HTTP_PORT'],
    [{ APURA_HTTP_PORT: '65536' }, 'APURA_HTTP_PORT'],
    [{ APURA_HTTP_PORT: '4711', APURA_ADMIN_PORT: '4711' }, 'APURA_ADMIN_PORT'],
    [{ APURA_HTTP_HOST: '203.0.113.1' }, '203.0.113.1'],
    [{ APURA_ADMIN_TOKEN: 'short' }, 'APURA_ADMIN_TOKEN'],
    [{ APURA_PARTITIONS: '0' }, 'APURA_PARTITIONS'],
    [{ APURA_PARTITIONS: '1.5' }, 'APURA_PARTITIONS'],
    [{ APURA_LOG: 'kafka://127.0.0.1:9092/votes' }, 'APURA_LOG'],
    [{ APURA_LEDGER: 'postgres://127.0.0.1/apura' }, 'APURA_LEDGER'],
    [{ APURA_DEMO: 'yes' }, 'APURA_DEMO'],
    [{ APURA_LOG_LEVEL: 'loud' }, 'APURA_LOG_LEVEL'],
    [{ APURA_TLS_CERT: 'cert.pem' }, 'APURA_TLS_KEY'],
    [{ APURA_CORS_ORIGINS: 'tv.example' }, 'APURA_CORS_ORIGINS'],
  ] satisfies [Env, string][])('for the setting %j', async (env, named) => {
    const { exitCode, stderr, stdout } = await serve({ APURA_DATA: folder, ...env });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('invalid_config: ');
    expect(stderr).toContain(named);
    expect(stdout).toBe('');
  });

  test('and 2 for a flag that is not known', async () => {
    const { exitCode, stderr } = await serve({ APURA_DATA: folder }, '--http-prot', '8080');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--http-prot');
  });
});

describe('the number of partitions', () => {
  test('is chosen once: four work, another number later is refused', async () => {
    const four = { env: { APURA_PARTITIONS: '4' } };
    await using apura = await Installation.start(four);
    const { client, dataDir } = apura;
    await client.openPoll('spread');
    const keys = await client.votes('spread', 'a', 60);
    for (const key of keys) await client.voteUntilAnswered('spread', 'a', key);
    expect((await client.countsAtRest('spread')).total).toBe(60);
    const ends = await client.positions();
    expect(ends.map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
    // Ids spread: with 60 of them none of four partitions stays empty.
    expect(ends.every(({ end }) => end > 0)).toBe(true);
    await apura.kill();
    expect(await apura.audit()).toMatchObject({ exitCode: 0, balanced: true });

    for (const other of ['1', '5']) {
      const refused = await serve({ APURA_DATA: dataDir, APURA_PARTITIONS: other });
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain('invalid_config: ');
      expect(refused.stderr).toContain('4');
    }
    // Without a number the log keeps the one that it has.
    await apura.restart({});
    expect(await client.positions()).toHaveLength(4);
    expect((await client.countsAtRest('spread')).total).toBe(60);
  });
});
