/** The gRPC port with TLS: whoever trusts the certificate is served, and nobody without HTTP/2 is. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { credentials, type ServiceError, status } from '@grpc/grpc-js';
import {
  type GrpcServer,
  type GrpcServerDeps,
  startGrpcServer,
} from '../../src/edge/grpc/server.ts';
import { trustProxies } from '../../src/edge/http/client-address.ts';
import { clientPulse, GrpcClient } from '../support/grpc-client.ts';
import { OPERATOR_TOKEN, PulseDoorRoom } from '../support/pulse-door-room.ts';
import { FRAME, frame, RawHttp2 } from '../support/raw-http2.ts';
import { waitUntil } from '../support/wait-until.ts';

const folder = mkdtempSync(join(tmpdir(), 'apura-grpc-tls-'));
const NAME = { 'grpc.ssl_target_name_override': 'localhost' };
const room = new PulseDoorRoom();
let server: GrpcServer;
let cert: string;

const start = (tls: GrpcServerDeps['tls']) =>
  startGrpcServer({
    ...{ host: '127.0.0.1', port: 0, portName: 'APURA_GRPC_PORT', tls },
    ...{ pulses: room.pulses, takesPulses: true, putUsage: null, isReady: () => true },
    ...{ clientAddress: trustProxies([]), clock: room.clock, reportFailure: () => {} },
    limits: { connectionSilenceMsMax: 500 },
  });

beforeAll(async () => {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=localhost'],
    ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
  ]);
  if (made.status !== 0) throw new Error(String(made.stderr));
  cert = readFileSync(certificate, 'utf8');
  server = await start({ cert, key: readFileSync(key, 'utf8') });
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

test('who trusts the certificate sends pulses', async () => {
  expect(server.url).toStartWith('https://');
  using client = new GrpcClient(server.port, credentials.createSsl(Buffer.from(cert)), NAME);
  const answer = await client.ingest([clientPulse('a', { tenant: 'acme' })], {
    token: OPERATOR_TOKEN,
  });
  expect(answer.results[0]?.status).toBe('PULSE_STATUS_ACCEPTED');
});

test('who does not, or speaks without TLS, does not', async () => {
  const reached = room.door.callers.length;
  for (const channel of [credentials.createSsl(), credentials.createInsecure()]) {
    using client = new GrpcClient(server.port, channel, NAME);
    const options = { token: OPERATOR_TOKEN, deadlineMs: 2_000 };
    const error: ServiceError = await client
      .ingest([clientPulse('a')], options)
      .catch((why) => why);
    expect([status.UNAVAILABLE, status.DEADLINE_EXCEEDED]).toContain(error.code);
  }
  expect(room.door.callers.length).toBe(reached);
});

test('who does not speak HTTP/2 is sent away', async () => {
  for (const ALPNProtocols of [['http/1.1'], undefined]) {
    const socket = connect({
      ...{ port: server.port, host: '127.0.0.1', ca: cert },
      ...(ALPNProtocols === undefined ? {} : { ALPNProtocols }),
    });
    let isClosed = false;
    socket.on('close', () => {
      isClosed = true;
    });
    socket.on('error', () => {});
    await waitUntil('it is sent away', () => isClosed, 10_000);
  }
});

test('who never begins the handshake is cut off', async () => {
  using silent = await RawHttp2.silent(server.port);
  await waitUntil('it is cut off', () => silent.isClosed, 10_000);
  expect(server.cutOff.get('silence')).toBe(1);
});

test('floods are seen behind TLS too', async () => {
  const socket = connect({ port: server.port, host: '127.0.0.1', ca: cert, ALPNProtocols: ['h2'] });
  let isClosed = false;
  socket.on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
  });
  socket.resume();
  await new Promise<void>((resolve) => socket.once('secureConnect', () => resolve()));
  const ping = frame(FRAME.ping, 0, 0, new Uint8Array(8));
  socket.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'));
  socket.write(frame(FRAME.settings, 0, 0));
  socket.write(Buffer.concat(Array.from({ length: 300 }, () => ping)));
  await waitUntil('it is cut off', () => isClosed, 10_000);
  expect(server.cutOff.get('pings')).toBe(1);
});

test('a certificate that is none says so', async () => {
  await expect(start({ cert: 'no certificate', key: 'no key' })).rejects.toMatchObject({
    code: 'invalid_config',
  });
});
