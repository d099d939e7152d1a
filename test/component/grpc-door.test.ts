/** The gRPC port as clients meet it that nobody here wrote: made by their libraries from the contract. */
import { afterEach, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, loadPackageDefinition, type ServiceError, status } from '@grpc/grpc-js';
import { type AnyDefinition, loadSync } from '@grpc/proto-loader';
import {
  type GrpcServer,
  type GrpcServerDeps,
  startGrpcServer,
} from '../../src/edge/grpc/server.ts';
import { trustProxies } from '../../src/edge/http/client-address.ts';
import { clientPulse, GrpcClient, type StreamAnswer } from '../support/grpc-client.ts';
import { OPERATOR_TOKEN, PulseDoorRoom } from '../support/pulse-door-room.ts';
import { waitUntil } from '../support/wait-until.ts';

let stack = new AsyncDisposableStack();

afterEach(async () => {
  await stack.disposeAsync();
  stack = new AsyncDisposableStack();
});

async function serve(deps: Partial<GrpcServerDeps> = {}) {
  const room = new PulseDoorRoom();
  await room.view.refresh();
  const server: GrpcServer = await startGrpcServer({
    host: '127.0.0.1',
    port: 0,
    portName: 'APURA_GRPC_PORT',
    tls: null,
    pulses: room.pulses,
    takesPulses: true,
    putUsage: null,
    isReady: () => true,
    clientAddress: trustProxies([]),
    clock: room.clock,
    reportFailure: () => {},
    ...deps,
  });
  stack.defer(() => server.stop());
  const client = stack.use(new GrpcClient(server.port));
  return { room, server, client };
}

const failure = async (call: Promise<unknown>): Promise<ServiceError> => {
  try {
    await call;
  } catch (error) {
    return error as ServiceError;
  }
  throw new Error('The call has not failed.');
};
const codeOf = (error: ServiceError) => error.metadata.get('apura-code')[0];

const ACCEPTED = ['PULSE_STATUS_ACCEPTED', ''];
const told = ({ results }: { readonly results: readonly { status: string; code: string }[] }) =>
  results.map((result) => [result.status, result.code]);

describe('a batch', () => {
  test('has one answer for each pulse, and the good ones are taken', async () => {
    const { room, client } = await serve();
    const token = await room.key('acme');
    const answer = await client.ingest(
      [
        clientPulse('a'),
        clientPulse('b', { usedAmount: 'much' }),
        clientPulse('c', { tenant: 'acme' }),
        clientPulse('d', { tenant: 'other' }),
      ],
      { token },
    );
    expect(told(answer)).toEqual([
      ACCEPTED,
      ['PULSE_STATUS_REJECTED', 'amount_invalid'],
      ACCEPTED,
      ['PULSE_STATUS_REJECTED', 'tenant_mismatch'],
    ]);
    expect(answer.results[1]?.message).toContain('decimal');
    expect(room.door.ids).toEqual(['a', 'c']);
  });

  test('of the operator may be of any tenant, and of any age where it says so', async () => {
    const { room, client } = await serve();
    const occurredAt = { seconds: 86_400, nanos: 0 };
    const old = clientPulse('a', { tenant: 'acme', occurredAt });
    const token = OPERATOR_TOKEN;
    expect(told(await client.ingest([old], { token }))[0]?.[1]).toBe('too_old');
    const answer = await client.ingest([old], { token, allowBackfill: true });
    expect(told(answer)).toEqual([ACCEPTED]);
    expect(room.door.ids).toEqual(['a']);
  });

  test.each([
    ['malformed', status.INVALID_ARGUMENT, 'malformed_request', null],
    ['too_many', status.INVALID_ARGUMENT, 'too_many_pulses', null],
    ['empty', status.INVALID_ARGUMENT, 'no_pulses', null],
    ['backfill_forbidden', status.PERMISSION_DENIED, 'backfill_forbidden', null],
    ['overloaded', status.RESOURCE_EXHAUSTED, 'overloaded', '1000'],
    ['unavailable', status.UNAVAILABLE, 'log_unavailable', '1000'],
    ['unknown', status.UNAVAILABLE, 'outcome_unknown', '1000'],
  ] as const)(
    'that ends as %s says so by status, code and when to try again',
    async (kind, code, apuraCode, retry) => {
      const { room, client } = await serve();
      room.door.says = { kind };
      const error = await failure(client.ingest([clientPulse('a')], { token: OPERATOR_TOKEN }));
      expect(error.code).toBe(code);
      expect(codeOf(error)).toBe(apuraCode);
      expect(error.metadata.get('grpc-retry-pushback-ms')[0] ?? null).toBe(retry);
      const [details] = error.metadata.get('grpc-status-details-bin');
      if (retry === null) expect(details).toBeUndefined();
      else expect(String(details)).toContain('type.googleapis.com/google.rpc.RetryInfo');
      if (kind === 'unknown') expect(error.details).toContain('same ids again');
    },
  );

  test('is refused with the reason, and asked of no door, while nothing may be taken', async () => {
    const { room, client } = await serve();
    room.trouble = 'The clock is off.';
    const error = await failure(client.ingest([clientPulse('a')], { token: OPERATOR_TOKEN }));
    expect([error.code, codeOf(error)]).toEqual([status.UNAVAILABLE, 'not_ready']);
    expect(error.details).toStartWith('The clock is off. Nothing was taken.');
    expect(error.metadata.get('grpc-retry-pushback-ms')).toEqual(['2000']);
    expect(room.door.callers).toEqual([]);
    room.trouble = null;
    const pulse = clientPulse('a', { tenant: 'acme' });
    expect(told(await client.ingest([pulse], { token: OPERATOR_TOKEN }))).toEqual([ACCEPTED]);
  });

  test('as large as the contract allows is taken', async () => {
    const { client } = await serve();
    const attributes = Object.fromEntries(
      Array.from({ length: 16 }, (_, at) => [`${at}`.padStart(64, 'n'), 'v'.repeat(256)]),
    );
    const pulses = Array.from({ length: 1_000 }, (_, at) =>
      clientPulse(`${at}`.padStart(128, 'x'), { tenant: 't'.repeat(64), attributes }),
    );
    const answer = await client.ingest(pulses, { token: OPERATOR_TOKEN });
    expect(answer.results.filter(({ code }) => code === '').length).toBe(1_000);
  });

  test('is answered as late at the most as its deadline says, and then is unknown', async () => {
    const { room, client, server } = await serve();
    const gate = Promise.withResolvers<void>();
    room.door.gate = gate.promise;
    const call = client.ingest([clientPulse('a')], { token: OPERATOR_TOKEN, deadlineMs: 200 });
    expect((await failure(call)).code).toBe(status.DEADLINE_EXCEEDED);
    await waitUntil('no call is under way', () => server.calls === 0);
    gate.resolve();
  });
});

describe('who calls', () => {
  test.each([
    ['nobody', undefined, 'Send an API key'],
    ['a wrong token', 'wrong', 'neither an API key nor'],
    ['a key of nobody', `apura_zzz_${'A'.repeat(43)}`, 'neither an API key nor'],
  ])('as %s is not let in', async (_name, token, detail) => {
    const { room, client } = await serve();
    const error = await failure(
      client.ingest([clientPulse('a')], token === undefined ? {} : { token }),
    );
    expect([error.code, codeOf(error)]).toEqual([status.UNAUTHENTICATED, 'unauthorized']);
    expect(error.details).toContain(detail);
    expect(room.door.callers).toEqual([]);
  });

  test('needs a key that may send, has not expired and was not revoked', async () => {
    const { room, client } = await serve();
    const reader = await room.key('acme', { scopes: ['read'] });
    const error = await failure(client.ingest([clientPulse('a')], { token: reader }));
    expect([error.code, codeOf(error)]).toEqual([status.PERMISSION_DENIED, 'forbidden']);
    const revoked = await room.key('acme', { revokedAt: 1 });
    const gone = await failure(client.ingest([clientPulse('a')], { token: revoked }));
    expect([gone.code, gone.details]).toEqual([status.UNAUTHENTICATED, 'The API key was revoked.']);
    expect(room.door.callers).toEqual([]);
  });

  test('backfills with the scope alone', async () => {
    const { room, client } = await serve();
    const options = { allowBackfill: true };
    const without = await room.key('acme');
    const error = await failure(client.ingest([clientPulse('a')], { ...options, token: without }));
    expect([error.code, codeOf(error)]).toEqual([status.PERMISSION_DENIED, 'backfill_forbidden']);
    const token = await room.key('acme', { scopes: ['ingest', 'backfill'] });
    expect(told(await client.ingest([clientPulse('a')], { ...options, token }))).toEqual([
      ACCEPTED,
    ]);
  });

  test('and guesses tokens is counted by address, behind a trusted proxy by the one it names', async () => {
    const { room, client } = await serve({ clientAddress: trustProxies(['127.0.0.1']) });
    const headers = { 'x-forwarded-for': '198.51.100.7' };
    await failure(client.ingest([clientPulse('a')], { token: 'guess', headers }));
    expect(room.wrong).toEqual(['198.51.100.7']);
    room.blockedForMs = 5_000;
    const error = await failure(client.ingest([clientPulse('a')], { token: 'guess' }));
    expect([error.code, codeOf(error)]).toEqual([status.RESOURCE_EXHAUSTED, 'too_many_attempts']);
    expect(error.metadata.get('grpc-retry-pushback-ms')).toEqual(['5000']);
  });
});

describe('a stream', () => {
  const batch = (sequence: number, ...ids: string[]) => ({
    sequence,
    batch: { pulses: ids.map((id) => clientPulse(id)) },
  });

  /** Everything that the stream says, and how it ends. */
  function follow(stream: ReturnType<GrpcClient['stream']>) {
    const answers: StreamAnswer[] = [];
    const ended = new Promise<ServiceError | null>((resolve) => {
      stream.on('data', (answer: StreamAnswer) => answers.push(answer));
      stream.on('error', (error: ServiceError) => resolve(error));
      stream.on('end', () => resolve(null));
    });
    return { answers, ended };
  }

  test('ends with the reason at the first batch that may not be taken', async () => {
    const { room, client } = await serve();
    const stream = client.stream({ token: await room.key('acme') });
    const { answers, ended } = follow(stream);
    stream.write(batch(1, 'a'));
    await waitUntil('the first is answered', () => answers.length === 1);
    room.trouble = 'The clock is off.';
    stream.write(batch(2, 'b'));
    const error = (await ended) as ServiceError;
    expect([error.code, codeOf(error)]).toEqual([status.UNAVAILABLE, 'not_ready']);
    expect(room.door.ids).toEqual(['a']);
  });

  test('answers each batch, in their order, and ends once the client has', async () => {
    const { room, client } = await serve();
    const stream = client.stream({ token: await room.key('acme') });
    const { answers, ended } = follow(stream);
    for (let sequence = 1; sequence <= 50; sequence += 1)
      stream.write(batch(sequence, `p${sequence}`));
    stream.write({ sequence: '18446744073709551615', batch: { pulses: [clientPulse('')] } });
    stream.end();
    expect(await ended).toBeNull();
    expect(answers.slice(0, 50).map(({ sequence }) => Number(sequence))).toEqual(
      Array.from({ length: 50 }, (_, at) => at + 1),
    );
    expect(answers.slice(0, 50).flatMap(told)).toEqual(Array(50).fill(ACCEPTED));
    expect(answers[50]?.sequence).toBe('18446744073709551615');
    expect(answers.slice(50).flatMap(told)).toEqual([['PULSE_STATUS_REJECTED', 'id_missing']]);
    expect(room.door.ids.length).toBe(50);
  });

  test('answers in order also where the door does not', async () => {
    const { room, client } = await serve();
    const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
    let next = 0;
    const ingest = room.door.ingest.bind(room.door);
    room.door.ingest = async (request, caller) => {
      const outcome = await ingest(request, caller);
      await gates[next++]?.promise;
      return outcome;
    };
    const stream = client.stream({ token: OPERATOR_TOKEN });
    const { answers, ended } = follow(stream);
    for (const sequence of [1, 2, 3, 4]) stream.write(batch(sequence, `p${sequence}`));
    stream.end();
    await waitUntil('all are under way', () => next === 4);
    for (const gate of gates.toReversed()) gate.resolve();
    expect(await ended).toBeNull();
    expect(answers.map(({ sequence }) => sequence)).toEqual(['1', '2', '3', '4']);
  });

  test('is read no further than so many batches without an answer', async () => {
    const { room, client } = await serve({ limits: { streamBatchesMax: 3 } });
    const gate = Promise.withResolvers<void>();
    room.door.gate = gate.promise;
    const stream = client.stream({ token: OPERATOR_TOKEN });
    const { answers, ended } = follow(stream);
    for (let sequence = 1; sequence <= 40; sequence += 1)
      stream.write(batch(sequence, `p${sequence}`));
    stream.end();
    await waitUntil('three are under way', () => room.door.underWay === 3);
    expect(answers).toEqual([]);
    gate.resolve();
    expect(await ended).toBeNull();
    expect(answers.length).toBe(40);
    expect(room.door.underWayMost).toBe(3);
  });

  test('holds a sender back by the flow control of HTTP/2', async () => {
    const { room, client } = await serve({ limits: { streamBatchesMax: 1 } });
    const gate = Promise.withResolvers<void>();
    room.door.gate = gate.promise;
    const stream = client.stream({ token: OPERATOR_TOKEN });
    const { ended } = follow(stream);
    const attributes = Object.fromEntries(
      Array.from({ length: 16 }, (_, at) => [`n${at}`, 'v'.repeat(250)]),
    );
    const large = (sequence: number) => ({
      sequence,
      batch: {
        pulses: Array.from({ length: 200 }, (_, at) =>
          clientPulse(`${sequence}-${at}`, { tenant: 'acme', attributes }),
        ),
      },
    });
    let written = 0;
    const BATCHES = 60;
    for (let sequence = 1; sequence <= BATCHES; sequence += 1) {
      stream.write(large(sequence), () => {
        written += 1;
      });
    }
    stream.end();
    await waitUntil('one is under way', () => room.door.underWay === 1 && written > 0);
    const settled = await steady(() => written);
    expect(settled).toBeLessThan(BATCHES / 2);
    gate.resolve();
    expect(await ended).toBeNull();
    expect(room.door.taken.length).toBe(BATCHES * 200);
  });

  test('ends at a batch that is refused as a whole; what is behind it stays unknown', async () => {
    const { client } = await serve();
    const stream = client.stream({ token: OPERATOR_TOKEN });
    const { answers, ended } = follow(stream);
    stream.write({ sequence: 1, batch: { pulses: [clientPulse('a', { tenant: 'acme' })] } });
    stream.write({ sequence: 2, batch: { pulses: [] } });
    stream.write({ sequence: 3, batch: { pulses: [clientPulse('c', { tenant: 'acme' })] } });
    const error = await ended;
    expect(error?.code).toBe(status.INVALID_ARGUMENT);
    expect(error?.metadata.get('apura-code')).toEqual(['no_pulses']);
    expect(answers.map(({ sequence }) => sequence)).toEqual(['1']);
  });

  test('ends when its key is revoked', async () => {
    const { room, client } = await serve();
    const token = await room.key('acme', { id: 'k1' });
    const stream = client.stream({ token });
    const { answers, ended } = follow(stream);
    stream.write(batch(1, 'a'));
    await waitUntil('it is answered', () => answers.length === 1);
    const key = room.view.get('api_key', 'k1');
    if (key === null) throw new Error('The key is gone.');
    await room.put({ ...key, version: 2, revokedAt: Date.now() });
    stream.write(batch(2, 'b'));
    const error = await ended;
    expect(error?.code).toBe(status.UNAUTHENTICATED);
    expect(room.door.ids).toEqual(['a']);
  });

  test('that is silent for too long is ended, and a busy one is not', async () => {
    const { room, client } = await serve({ limits: { streamSilenceMsMax: 1_500 } });
    const stream = client.stream({ token: OPERATOR_TOKEN });
    const { answers, ended } = follow(stream);
    const gate = Promise.withResolvers<void>();
    room.door.gate = gate.promise;
    stream.write(batch(1, 'a'));
    await waitUntil('one is under way', () => room.door.underWay === 1);
    await Bun.sleep(3_000);
    gate.resolve();
    await waitUntil('it is answered', () => answers.length === 1);
    const error = await ended;
    expect([error?.code, error?.metadata.get('apura-code')[0]]).toEqual([
      status.UNAVAILABLE,
      'stream_expired',
    ]);
  });

  test('that has been open for too long is ended, however busy', async () => {
    const { client, server } = await serve({ limits: { streamAgeMsMax: 1_500 } });
    const stream = client.stream({ token: OPERATOR_TOKEN });
    const { answers, ended } = follow(stream);
    let sequence = 0;
    const writing = setInterval(() => {
      sequence += 1;
      stream.write(batch(sequence, `p${sequence}`));
    }, 20);
    const error = await ended;
    clearInterval(writing);
    expect(error?.metadata.get('apura-code')).toEqual(['stream_expired']);
    expect(answers.length).toBeGreaterThan(1);
    expect([...server.cutOff]).toEqual([['endless_stream', 1]]);
    await waitUntil('no call is under way', () => server.calls === 0);
    expect(server.streams).toBe(0);
  });

  test('that the client gives up leaves nothing behind', async () => {
    const { room, client, server } = await serve();
    const gate = Promise.withResolvers<void>();
    room.door.gate = gate.promise;
    const stream = client.stream({ token: OPERATOR_TOKEN });
    const { ended } = follow(stream);
    stream.write(batch(1, 'a'));
    await waitUntil('one is under way', () => room.door.underWay === 1);
    stream.cancel();
    expect((await ended)?.code).toBe(status.CANCELLED);
    gate.resolve();
    await waitUntil('no call is under way', () => server.calls === 0);
  });
});

describe('usage', () => {
  const RECORD = {
    ...{ tenant: 'acme', productSku: 'cpu', useUnity: 's', windowStart: { seconds: 900 } },
    ...{ partition: 3, version: 2, sum: '12.5', count: 2, min: '2.5', max: '10', last: '10' },
    ...{ lastAt: { seconds: 901 }, lastKey: 'ab'.repeat(16) },
  };

  test('is put where this process rates, by the operator alone', async () => {
    const put: unknown[] = [];
    const { room, client } = await serve({
      putUsage: async (records) => {
        put.push(...records);
      },
    });
    await client.putUsage([RECORD], { token: OPERATOR_TOKEN });
    expect(put).toMatchObject([{ series: { tenant: 'acme', sku: 'cpu', unit: 's' }, version: 2 }]);
    const error = await failure(client.putUsage([RECORD], { token: await room.key('acme') }));
    expect([error.code, codeOf(error)]).toEqual([status.PERMISSION_DENIED, 'forbidden']);
    expect((await failure(client.putUsage([RECORD]))).code).toBe(status.UNAUTHENTICATED);
    const malformed = await failure(
      client.putUsage([{ ...RECORD, lastKey: 'no key' }], { token: OPERATOR_TOKEN }),
    );
    expect([malformed.code, codeOf(malformed)]).toEqual([
      status.INVALID_ARGUMENT,
      'malformed_request',
    ]);
    const none = await failure(client.putUsage([], { token: OPERATOR_TOKEN }));
    expect(none.code).toBe(status.INVALID_ARGUMENT);
    expect(put.length).toBe(1);
  });

  test('that could not be put is to be sent again, and the failure is told of', async () => {
    const failures: unknown[] = [];
    const away = new Error('away');
    const { client } = await serve({
      putUsage: () => Promise.reject(away),
      reportFailure: (error) => failures.push(error),
    });
    const error = await failure(client.putUsage([RECORD], { token: OPERATOR_TOKEN }));
    expect([error.code, codeOf(error)]).toEqual([status.UNAVAILABLE, 'store_unavailable']);
    expect(failures).toEqual([away]);
  });

  test('is not known where this process does not rate', async () => {
    const { client } = await serve();
    const error = await failure(client.putUsage([RECORD], { token: OPERATOR_TOKEN }));
    expect(error.code).toBe(status.UNIMPLEMENTED);
  });
});

/** A stub of a standard service, from the files that its own library brings. */
function standard(port: number, from: string, file: string, service: readonly string[]) {
  const root = join(import.meta.dir, '../../node_modules', from);
  const loaded = loadPackageDefinition(
    loadSync(file, { includeDirs: [root], enums: String, longs: String, bytes: Buffer }),
  );
  const Stub = service.reduce<unknown>(
    (part, name) => (part as Readonly<Record<string, unknown>>)[name],
    loaded,
  ) as new (
    ...args: unknown[]
  ) => Record<string, (...args: unknown[]) => never> & { close(): void };
  const stub = new Stub(`127.0.0.1:${port}`, credentials.createInsecure());
  stack.defer(() => stub.close());
  return stub;
}

describe('the standard health service', () => {
  const HEALTH = [
    'grpc-health-check/proto',
    'health/v1/health.proto',
    ['grpc', 'health', 'v1', 'Health'],
  ] as const;

  test('says of the process and of each service whether it is ready, and of no other', async () => {
    let isReady = true;
    const { server } = await serve({ isReady: () => isReady });
    const stub = standard(server.port, ...HEALTH);
    const check = (service: string) =>
      new Promise<unknown>((resolve) => {
        stub.check?.({ service }, (error: ServiceError | null, answer: { status: string }) =>
          resolve(error?.code ?? answer.status),
        );
      });
    expect(await check('')).toBe('SERVING');
    expect(await check('apura.metering.v1.PulseService')).toBe('SERVING');
    expect(await check('apura.metering.v1.UsageService')).toBe(status.NOT_FOUND);
    isReady = false;
    expect(await check('')).toBe('NOT_SERVING');
    const list = await new Promise<{ statuses: object }>((resolve, reject) => {
      stub.list?.({}, (error: Error | null, answer: { statuses: object }) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
    expect(Object.keys(list.statuses).sort()).toEqual(['', 'apura.metering.v1.PulseService']);
  });

  test('tells watchers of a change', async () => {
    let isReady = true;
    const { server } = await serve({ isReady: () => isReady });
    const stub = standard(server.port, ...HEALTH);
    const seen: string[] = [];
    const watch = stub.watch?.({ service: '' }) as unknown as NodeJS.EventEmitter & {
      cancel(): void;
    };
    watch.on('data', (answer: { status: string }) => seen.push(answer.status));
    watch.on('error', () => {});
    await waitUntil('the first word', () => seen.length === 1);
    isReady = false;
    await waitUntil('the change', () => seen.length === 2);
    expect(seen).toEqual(['SERVING', 'NOT_SERVING']);
    watch.cancel();
    await waitUntil('no call is under way', () => server.calls === 0);
  });
});

describe('reflection', () => {
  type Reply = Record<string, never> & {
    readonly listServicesResponse?: { service: { name: string }[] };
    readonly fileDescriptorResponse?: { fileDescriptorProto: Buffer[] };
    readonly errorResponse?: { errorCode: number };
  };

  async function ask(
    port: number,
    version: string,
    questions: readonly object[],
  ): Promise<Reply[]> {
    const stub = standard(
      port,
      '@grpc/reflection/build/proto',
      `grpc/reflection/${version}/reflection.proto`,
      ['grpc', 'reflection', version, 'ServerReflection'],
    );
    const call = stub.serverReflectionInfo?.() as unknown as NodeJS.ReadWriteStream;
    const replies: Reply[] = [];
    const ended = new Promise<void>((resolve, reject) => {
      call.on('data', (reply: Reply) => replies.push(reply));
      call.on('end', resolve);
      call.on('error', reject);
    });
    for (const question of questions) call.write(question as never);
    call.end();
    await ended;
    return replies;
  }

  test.each(['v1', 'v1alpha'])(
    'of %s says what is served and what it looks like',
    async (version) => {
      const { server } = await serve({ putUsage: async () => {} });
      const [list, symbol, method, file, unknown, extension] = await ask(server.port, version, [
        { listServices: '' },
        { fileContainingSymbol: 'apura.metering.v1.PulseService' },
        { fileContainingSymbol: 'apura.metering.v1.PulseService.Ingest' },
        { fileByFilename: 'google/protobuf/timestamp.proto' },
        { fileContainingSymbol: 'apura.metering.v1.Nothing' },
        { allExtensionNumbersOfType: 'apura.metering.v1.Pulse' },
      ]);
      const names = list?.listServicesResponse?.service.map(({ name }) => name);
      expect(names).toEqual([
        'apura.metering.v1.PulseService',
        'apura.metering.v1.UsageService',
        'grpc.health.v1.Health',
        'grpc.reflection.v1.ServerReflection',
        'grpc.reflection.v1alpha.ServerReflection',
      ]);
      for (const reply of [symbol, method]) {
        const texts = reply?.fileDescriptorResponse?.fileDescriptorProto.map(String) ?? [];
        expect(texts.length).toBe(3);
        expect(texts[0]).toContain('apura/metering/v1/pulse_service.proto');
        expect(texts.some((text) => text.includes('google/protobuf/timestamp.proto'))).toBe(true);
      }
      expect(file?.fileDescriptorResponse?.fileDescriptorProto.length).toBe(1);
      expect(unknown?.errorResponse?.errorCode).toBe(status.NOT_FOUND);
      expect(extension?.errorResponse?.errorCode).toBe(status.NOT_FOUND);
    },
  );

  test('describes every service that it lists', async () => {
    const { server } = await serve({ putUsage: async () => {} });
    const [list] = await ask(server.port, 'v1', [{ listServices: '' }]);
    const names = list?.listServicesResponse?.service.map(({ name }) => name) ?? [];
    const replies = await ask(
      server.port,
      'v1',
      names.map((fileContainingSymbol) => ({ fileContainingSymbol })),
    );
    expect(replies.every(({ fileDescriptorResponse }) => fileDescriptorResponse)).toBe(true);
  });
});

test('what is embedded of the standard services is what their libraries bring', () => {
  const embedded = readFileSync(
    join(import.meta.dir, '../../src/edge/grpc/standard-services.binpb'),
  );
  const root = join(import.meta.dir, '../../node_modules');
  const libraries = [
    ['grpc-health-check/proto', 'health/v1/health.proto'],
    ['@grpc/reflection/build/proto', 'grpc/reflection/v1/reflection.proto'],
    ['@grpc/reflection/build/proto', 'grpc/reflection/v1alpha/reflection.proto'],
  ] as const;
  for (const [from, file] of libraries) {
    const loaded = loadSync(file, { includeDirs: [join(root, from)] });
    const methods = Object.values<AnyDefinition>(loaded).flatMap((each) =>
      'fileDescriptorProtos' in each ? [] : Object.keys(each),
    );
    const messages = Object.keys(loaded).map((name) => name.slice(name.lastIndexOf('.') + 1));
    for (const name of [...methods, ...messages]) expect(embedded.includes(name)).toBe(true);
  }
});

test('a port that is taken says so', async () => {
  const { server } = await serve();
  const taken = startGrpcServer({
    ...{ host: '127.0.0.1', port: server.port, portName: 'APURA_GRPC_PORT', tls: null },
    ...{ pulses: new PulseDoorRoom().pulses, takesPulses: true, putUsage: null },
    ...{ isReady: () => true, clientAddress: trustProxies([]), clock: new PulseDoorRoom().clock },
    reportFailure: () => {},
  });
  await expect(taken).rejects.toMatchObject({ code: 'port_in_use' });
});

test('stopping lets what is under way end, and takes nothing more', async () => {
  const { room, client, server } = await serve();
  const gate = Promise.withResolvers<void>();
  room.door.gate = gate.promise;
  const call = client.ingest([clientPulse('a', { tenant: 'acme' })], { token: OPERATOR_TOKEN });
  await waitUntil('one is under way', () => room.door.underWay === 1);
  const stopped = server.stop();
  gate.resolve();
  expect(told(await call)).toEqual([ACCEPTED]);
  await stopped;
  expect(server.connections).toBe(0);
  const late = client.ingest([clientPulse('b')], { token: OPERATOR_TOKEN, deadlineMs: 500 });
  expect([status.UNAVAILABLE, status.DEADLINE_EXCEEDED]).toContain((await failure(late)).code);
});

/** What a number comes to that rises no more. */
async function steady(read: () => number): Promise<number> {
  for (;;) {
    const before = read();
    await Bun.sleep(400);
    if (read() === before) return before;
  }
}
