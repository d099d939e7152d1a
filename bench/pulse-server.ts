/**
 * The doors of pulses alone: gRPC and Connect, group commit, and a log thread with the real SQLite log,
 * without the ledger and rating behind it. Argument: the data folder. GET tells the log's length.
 */
import { Worker } from 'node:worker_threads';
import { ApiKeys, apiKeyText } from '../src/application/metering/api-keys.ts';
import { PulseDoor } from '../src/application/metering/pulse-door.ts';
import { openPulseWriter } from '../src/compose/metering/pulse-writer.ts';
import { remoteLog } from '../src/compose/remote-log.ts';
import { Thread } from '../src/compose/thread.ts';
import { ACCEPTANCE_BOUND_MS } from '../src/domain/counting/log-settings.ts';
import type { ApiKey } from '../src/domain/metering/contract.ts';
import { startGrpcServer } from '../src/edge/grpc/server.ts';
import { readWireContract } from '../src/edge/grpc/wire-contract.ts';
import { trustProxies } from '../src/edge/http/client-address.ts';
import { CloudEventsRoute } from '../src/edge/http/cloud-events-route.ts';
import { ConnectRoute } from '../src/edge/http/connect-route.ts';
import { PulseIngest } from '../src/edge/http/pulse-ingest.ts';
import { matchesSha256, newKeySecret, secretSha256 } from '../src/edge/http/pulse-key-secret.ts';
import { startHttpServer } from '../src/edge/http/server.ts';
import { SharedOffsets } from '../src/runtime/shared-offsets.ts';
import { systemClock } from '../src/runtime/system-clock.ts';
import { pulseLogOptions } from './pulse-log.ts';
import { tenantName } from './pulse-template.ts';

const [folder = 'data'] = process.argv.slice(2);
const stop = Promise.withResolvers<void>();
process.once('SIGTERM', () => stop.resolve());

const options = pulseLogOptions(folder);
const { logId, partitions } = options;
const ends = new SharedOffsets(partitions + 1);
const thread = await Thread.start(
  (name, workerData) =>
    new Worker(new URL(`../src/threads/${name}.ts`, import.meta.url), { workerData }),
  'log',
  { ...options, ends: ends.buffer },
  { onTrouble: stop.reject, onHalted: stop.reject, onTold: () => {} },
);
const log = remoteLog(
  { logId, partitions, durability: 'power-safe', atomicAppend: true, appendsUnderWayMax: 1 },
  thread.calls,
  ends,
);
const clock = systemClock;
const settings = { acceptanceBoundMs: ACCEPTANCE_BOUND_MS };
const writer = openPulseWriter({ log, clock, settings, onFailure: stop.reject });

const secret = newKeySecret();
const key: ApiKey = {
  ...{ id: 'bench', tenant: tenantName(0), name: 'bench', scopes: ['ingest'] },
  ...{ secretSha256: secretSha256(secret), createdAt: 0, expiresAt: null, revokedAt: null },
  version: 1,
};
const pulses = new PulseIngest({
  door: new PulseDoor({ writer, clock, partitions }),
  keys: new ApiKeys({
    // One key, and a catalogue that never changes.
    view: { ageMs: 0, get: (_, id) => (id === key.id ? key : null) as never },
    clock,
    matchesSha256,
    tryOperatorToken: () => ({ kind: 'wrong' }),
  }),
  trouble: () => null,
});
const clientAddress = trustProxies([]);
const shared = { host: '127.0.0.1', port: 0, portName: 'port', tls: null, clientAddress };
const grpc = await startGrpcServer({
  ...shared,
  ...{ pulses, takesPulses: true, putUsage: null, isReady: () => true, clock },
  reportFailure: stop.reject,
});
const http = startHttpServer<undefined>({
  ...shared,
  ...{ sharePort: false, votes: null, live: null, surface: 'public' },
  pulses: {
    connect: new ConnectRoute({ pulses, contract: readWireContract() }),
    cloudEvents: new CloudEventsRoute({ pulses }),
  },
  api: { fetch: async () => Response.json(await log.bounds(0)) },
});
console.log(`ready ${grpc.port} ${http.port} ${apiKeyText(key.id, secret)}`);
try {
  await stop.promise;
} finally {
  await grpc.stop();
  await http.stop();
  await writer.drain();
  await thread.stop();
}
