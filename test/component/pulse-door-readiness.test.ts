/** Proves that an ingest process which may not go by its clock, or is cut off from its log, takes no pulses and says so. */
import { afterEach, expect, test } from 'bun:test';
import { join } from 'node:path';
import { credentials, loadPackageDefinition, type ServiceError, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { MemoryCatalogue, MemoryCatalogueStore } from '../../src/adapters/memory/catalogue.ts';
import { ManualClock } from '../../src/adapters/memory/clock.ts';
import { MemoryEventLog, MemoryLogStore } from '../../src/adapters/memory/event-log.ts';
import {
  MemoryMeteringCatalogue,
  MemoryMeteringStore,
} from '../../src/adapters/memory/metering-catalogue.ts';
import { MemoryProcessReports } from '../../src/adapters/memory/process-reports.ts';
import { LOG_REACH_STALE_MS } from '../../src/application/counting/log-reach.ts';
import type { Engines, LogPlace } from '../../src/compose/engines.ts';
import { startIngestRole } from '../../src/compose/roles/ingest.ts';
import { configOf } from '../../src/config/config.ts';
import { CLOCK_BOUND_MS } from '../../src/domain/counting/log-settings.ts';
import { ApuraError } from '../../src/domain/errors.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { clientPulse, GrpcClient } from '../support/grpc-client.ts';
import { waitUntil } from '../support/wait-until.ts';

const TOKEN = 'an-operators-token-of-a-test';
const PULSE_SERVICE = 'apura.metering.v1.PulseService';

let stack = new AsyncDisposableStack();

afterEach(async () => {
  await stack.disposeAsync();
  stack = new AsyncDisposableStack();
});

const notNeeded = (): never => {
  throw new Error('A door needs no such thing.');
};

/** An ingest process whose servers are memory, and whose clock is so far ahead of theirs, ms. */
async function startDoor(aheadMs = 0) {
  const clock = new ManualClock(Date.now());
  const catalogue = new MemoryCatalogue(new MemoryCatalogueStore());
  const metering = new MemoryMeteringCatalogue(new MemoryMeteringStore());
  const pulseLogId = async () =>
    (await metering.logSettings('resource-consumption'))?.logId ?? null;
  const state = { pulseLogAway: false };
  const appended = new Map<string, number>();
  const log = async ({ settings: { logId, partitions } }: LogPlace) => {
    const memory = new MemoryEventLog(new MemoryLogStore(logId, partitions));
    const isOfPulses = logId === (await pulseLogId());
    return new Proxy(memory, {
      get(target, name) {
        if (name === 'bounds' && isOfPulses && state.pulseLogAway) {
          return async () => {
            throw new ApuraError('log_unavailable', 'The log is away.');
          };
        }
        if (name === 'append') appended.set(logId, (appended.get(logId) ?? 0) + 1);
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  const engines: Engines = {
    catalogue: async () =>
      new Proxy(catalogue, {
        get(target, name) {
          if (name === 'now') return async () => clock.now() - aheadMs;
          const value: unknown = Reflect.get(target, name);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      }),
    log,
    meteringCatalogue: async () => metering,
    reports: async () => new MemoryProcessReports(),
    ...{ tally: notNeeded, tallyChanges: notNeeded, ledger: notNeeded, ownership: notNeeded },
    ...{ pulseLedger: notNeeded, ratingBook: notNeeded, archive: notNeeded },
  };
  const role = await startIngestRole({
    config: configOf({
      ...{ APURA_HTTP_PORT: '0', APURA_GRPC_PORT: '0', APURA_PARTITIONS: '2' },
      ...{ APURA_ADMIN_TOKEN: TOKEN, APURA_SECRET: '0aF'.repeat(22) },
    }),
    engines,
    clock,
    logger: createLogger('silent', 'ingest'),
    signal: new AbortController().signal,
  });
  stack.defer(() => role.stop());
  const grpcPort = Number(new URL(role.grpcUrl ?? '').port);
  const client = stack.use(new GrpcClient(grpcPort));
  return { clock, state, role, client, grpcPort, appended, pulseLogId };
}

type Door = Awaited<ReturnType<typeof startDoor>>;

async function parts({ role }: Door): Promise<Readonly<Record<string, string | null>>> {
  const ready = (await (await fetch(`${role.url}/readyz`)).json()) as {
    readonly parts: readonly { readonly name: string; readonly detail: string | null }[];
  };
  return Object.fromEntries(ready.parts.map(({ name, detail }) => [name, detail]));
}

/** What each of the doors answers to a pulse of its own. */
async function send({ role, client, clock }: Door): Promise<readonly (string | number)[]> {
  const time = new Date(clock.now()).toISOString();
  const post = (path: string, type: string, body: object): Promise<Response> =>
    fetch(`${role.url}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': type, authorization: `Bearer ${TOKEN}` },
    });
  const event = await post('/v1/pulses', 'application/cloudevents+json', {
    ...{ specversion: '1.0', id: 'a', source: 's', type: 'cpu', subject: 'acme', time },
    data: { used_amount: '1', use_unity: 'h' },
  });
  const connect = await post(`/${PULSE_SERVICE}/Ingest`, 'application/json', {
    pulses: [
      {
        ...{ id: 'b', source: 's', tenant: 'acme', productSku: 'cpu', usedAmount: '1' },
        ...{ useUnity: 'h', occurredAt: time },
      },
    ],
  });
  const occurredAt = { seconds: Math.floor(clock.now() / 1000), nanos: 0 };
  const pulse = clientPulse('c', { tenant: 'acme', occurredAt });
  const grpc = await client.ingest([pulse], { token: TOKEN }).then(
    () => status.OK,
    (error: ServiceError) => error.code,
  );
  return [event.status, connect.status, status[grpc] ?? grpc];
}

function health({ grpcPort }: Door): Promise<string> {
  const loaded = loadPackageDefinition(
    loadSync('health/v1/health.proto', {
      includeDirs: [join(import.meta.dir, '../../node_modules/grpc-health-check/proto')],
      enums: String,
    }),
  ) as unknown as {
    readonly grpc: {
      readonly health: {
        readonly v1: {
          readonly Health: new (
            ...args: unknown[]
          ) => {
            check(
              question: object,
              done: (error: unknown, answer: { status: string }) => void,
            ): void;
            close(): void;
          };
        };
      };
    };
  };
  const stub = new loaded.grpc.health.v1.Health(
    `127.0.0.1:${grpcPort}`,
    credentials.createInsecure(),
  );
  return new Promise<string>((resolve) => {
    stub.check({ service: PULSE_SERVICE }, (error, answer) => {
      stub.close();
      resolve(error === null ? answer.status : String(error));
    });
  });
}

test('a door that may take pulses does so, and says that it is ready', async () => {
  const door = await startDoor();
  await waitUntil('the door is ready', async () => (await health(door)) === 'SERVING');
  expect(await parts(door)).toMatchObject({ pulses: null });
  expect(await send(door)).toEqual([202, 200, 'OK']);
});

test('a door whose clock is off takes no pulses', async () => {
  const door = await startDoor(CLOCK_BOUND_MS + 1_000);
  expect(await send(door)).toEqual([503, 503, 'UNAVAILABLE']);
  expect(await health(door)).toBe('NOT_SERVING');
  const { pulses } = await parts(door);
  expect(pulses).toContain('ahead of the stores');
  expect(door.appended.has((await door.pulseLogId()) ?? '')).toBe(false);
});

test('a door that is cut off from its log takes no pulses until the log answers again', async () => {
  const door = await startDoor();
  door.state.pulseLogAway = true;
  door.clock.advance(LOG_REACH_STALE_MS + 1);
  const cutOff = await waitUntil('the door knows of it', async () => {
    const found = await parts(door);
    const { pulses, ...others } = found;
    // A look that was under way may still have been answered; the log of votes answers as ever.
    if (pulses === null) door.clock.advance(LOG_REACH_STALE_MS + 1);
    return typeof pulses === 'string' && Object.values(others).every((one) => one === null)
      ? pulses
      : null;
  });
  expect(cutOff).toContain('has not answered lately');
  expect(await send(door)).toEqual([503, 503, 'UNAVAILABLE']);
  expect(await health(door)).toBe('NOT_SERVING');
  door.state.pulseLogAway = false;
  await waitUntil('the log answers', async () => (await health(door)) === 'SERVING');
  expect(await send(door)).toEqual([202, 200, 'OK']);
});
