/** An archive on a server that asks for TLS and a password: what lets it in, and what does not. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CassandraServer, startCassandra } from '../../../test/support/cassandra-server.ts';
import { LOG_ID } from '../../ports/store-under-test.ts';
import { openCassandraArchive } from './archive.ts';

const START_TIMEOUT_MS = 150_000;
const SCHEMA_TIMEOUT_MS = 60_000;
let folder: string;
let server: CassandraServer;

/** A key and a certificate that signs itself, for the address alone or for another. */
async function certificate(name: string, address: string) {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const openssl = Bun.spawn(
    [
      ...['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'],
      ...['-subj', `/CN=${name}`, '-addext', `subjectAltName=IP:${address}`],
      ...['-keyout', key, '-out', cert],
    ],
    { stdout: 'ignore', stderr: 'ignore' },
  );
  if ((await openssl.exited) !== 0) throw new Error('openssl makes no certificate.');
  return { cert, key };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'apura-certificates-'));
  server = await startCassandra({ login: true, tls: await certificate('node', '127.0.0.1') });
}, START_TIMEOUT_MS);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

describe('an archive on a server with TLS and a password', () => {
  test(
    'is let in with both',
    async () => {
      await using archive = await openCassandraArchive({ url: server.url('secured') });
      await archive.setPosition(LOG_ID, 0, 3);
      expect(await archive.position(LOG_ID, 0)).toBe(3);
    },
    SCHEMA_TIMEOUT_MS,
  );

  test('is not let in with another password, and does not tell which', async () => {
    const url = server.url('secured').replace(':cassandra@', ':wrong-secret@');
    const opening = openCassandraArchive({ url });
    await expect(opening).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(opening).rejects.not.toThrow('wrong-secret');
  });

  test('trusts no certificate that its own authority has not signed', async () => {
    const { cert } = await certificate('other', '127.0.0.1');
    const url = server.url('secured');
    for (const other of [
      url.replace(/&ca=.*/, ''),
      url.replace(/&ca=.*/, `&ca=${encodeURIComponent(cert)}`),
    ]) {
      await expect(openCassandraArchive({ url: other })).rejects.toMatchObject({
        code: 'store_unavailable',
        message: expect.stringMatching(/certificate|self.signed/i),
      });
    }
  });

  test('trusts no certificate that names another address', async () => {
    const { port } = new URL(`tcp://${server.address}`);
    const front = createServer((client) => {
      const node = connect(Number(port), '127.0.0.1');
      for (const [socket, other] of [
        [client, node],
        [node, client],
      ] as const) {
        socket.on('error', () => {}).on('close', () => other.destroy());
      }
      client.pipe(node).pipe(client);
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    front.listen(Number(port), '127.0.0.2', resolve);
    await promise;
    try {
      const url = server.url('secured').replace('127.0.0.1', '127.0.0.2');
      await expect(openCassandraArchive({ url })).rejects.toMatchObject({
        code: 'store_unavailable',
        message: expect.stringMatching(/127\.0\.0\.2.*(altname|certificate)/i),
      });
    } finally {
      front.close();
    }
  });

  test('names the file that it can not read', async () => {
    const url = server.url('secured').replace(/&ca=.*/, '&ca=/not/there.pem');
    await expect(openCassandraArchive({ url })).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('/not/there.pem'),
    });
  });
});
