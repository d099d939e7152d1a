/** The client settles every pulse for certain or says that it could not, and never sends one under two ids. */
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createPulseClient,
  type Pulse,
  type PulseClientSettings,
  PulseError,
} from './pulse-client.ts';

interface SentPulse extends Record<string, unknown> {
  readonly id: string;
}

interface Call {
  readonly pulses: readonly SentPulse[];
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Headers;
  readonly at: number;
}

type Script = (call: Call, number: number) => Response | Promise<Response>;

const ok = ({ pulses }: Call) =>
  Response.json({ results: pulses.map(() => ({ status: 'PULSE_STATUS_ACCEPTED' })) });
const failure = (status: number, code: string, headers: Record<string, string> = {}) =>
  Response.json({ code }, { status, headers: { 'apura-code': code, ...headers } });
const pulse = (given: Partial<Pulse> = {}): Pulse => ({
  ...{ productSku: 'api.calls', usedAmount: '12.50', useUnity: 'call' },
  ...given,
});

let stack = new AsyncDisposableStack();

afterEach(async () => {
  await stack.disposeAsync();
  stack = new AsyncDisposableStack();
});

function clientOf(script: Script, given: Partial<PulseClientSettings> = {}) {
  const calls: Call[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const body = (await request.json()) as Call['body'];
      const pulses = body.pulses as readonly SentPulse[];
      const call = { pulses, body, headers: request.headers, at: performance.now() };
      calls.push(call);
      return script(call, calls.length - 1);
    },
  });
  stack.defer(() => server.stop(true));
  const url = `http://127.0.0.1:${server.port}`;
  const settings = { url, apiKey: 'key', source: 'test', batchDelayMs: 5, retryFirstMs: 10 };
  const client = createPulseClient({ ...settings, ...given });
  stack.defer(() => client.close(0));
  return { client, calls, server, url };
}

async function errorOf(sent: Promise<unknown>): Promise<PulseError> {
  const error = await sent.catch((thrown: unknown) => thrown);
  if (error instanceof PulseError) return error;
  throw new Error(`no PulseError: ${String(error)}`);
}

const held = () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, gate: promise };
};

describe('a pulse', () => {
  test('goes out as it was given, with id, source and time where it had none', async () => {
    const { client, calls } = clientOf(ok, { allowBackfill: true });
    const whole = {
      ...{ id: 'p-1', source: 'own', tenant: 'acme', attributes: { region: 'eu' } },
      occurredAt: new Date(Date.UTC(2026, 9, 24, 12)),
    };
    const results = await Promise.all([
      client.send(pulse(whole)),
      client.send(pulse({ occurredAt: '2026-10-24T12:00:00.123456Z' })),
      client.send(pulse()),
    ]);
    const [first, second, third] = calls[0]?.pulses ?? [];
    expect(first).toEqual({
      ...pulse(),
      ...whole,
      occurredAt: '2026-10-24T12:00:00.000Z',
    } as never);
    expect(second).toMatchObject({ source: 'test', occurredAt: '2026-10-24T12:00:00.123456Z' });
    expect(Math.abs(Date.parse(String(third?.occurredAt)) - Date.now())).toBeLessThan(5_000);
    expect(third?.id).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    const idTime = Number.parseInt(String(third?.id).replaceAll('-', '').slice(0, 12), 16);
    expect(Math.abs(idTime - Date.now())).toBeLessThan(5_000);
    expect(results.map(({ status }) => status)).toEqual(['accepted', 'accepted', 'accepted']);
    expect(results[2]?.id).toBe(third?.id ?? '');
    expect(calls[0]?.body.allowBackfill).toBe(true);
    expect(calls[0]?.headers.get('authorization')).toBe('Bearer key');
  });

  test('with a number for an amount never leaves', async () => {
    const { client, calls } = clientOf(ok);
    const sent = client.send(pulse({ usedAmount: 12.5 as unknown as string }));
    await expect(sent).rejects.toThrow('usedAmount must be a text');
    await client.flush();
    expect(calls).toEqual([]);
  });

  test('that is rejected says why, and the others of its batch are taken', async () => {
    const { client } = clientOf(() =>
      Response.json({
        results: [
          { status: 'PULSE_STATUS_ACCEPTED' },
          { status: 'PULSE_STATUS_REJECTED', code: 'amount_invalid', message: 'No number.' },
        ],
      }),
    );
    const sent = [client.send(pulse({ id: 'a' })), client.send(pulse({ id: 'b' }))];
    expect(await Promise.all(sent)).toEqual([
      { status: 'accepted', id: 'a' },
      { status: 'rejected', id: 'b', code: 'amount_invalid', message: 'No number.' },
    ]);
  });
});

describe('batches', () => {
  test('leave full, or when their first pulse has waited long enough', async () => {
    const { client, calls } = clientOf(ok, { batchSizeMax: 10, batchDelayMs: 500 });
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 25 }, () => client.send(pulse())));
    expect(calls.map(({ pulses }) => pulses.length).sort()).toEqual([10, 10, 5]);
    expect((calls[1]?.at ?? 0) - startedAt).toBeLessThan(490);
    expect((calls[2]?.at ?? 0) - startedAt).toBeGreaterThanOrEqual(495);
  });

  test('stay under the server’s limit of bytes', async () => {
    const { client, calls } = clientOf(ok);
    const attributes = Object.fromEntries(
      Array.from({ length: 16 }, (_, n) => [`name-${n}`, 'é'.repeat(500)]),
    );
    await Promise.all(Array.from({ length: 300 }, () => client.send(pulse({ attributes }))));
    expect(calls.length).toBeGreaterThan(1);
    for (const { body } of calls)
      expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(2.1e6);
  });

  test('are never more at once than they may be', async () => {
    const { open, gate } = held();
    const { client, calls } = clientOf(async (call) => gate.then(() => ok(call)), {
      ...{ batchSizeMax: 1, requestsMax: 3 },
    });
    const sent = Array.from({ length: 9 }, () => client.send(pulse()));
    while (calls.length < 3) await Bun.sleep(1);
    await Bun.sleep(20);
    expect(calls).toHaveLength(3);
    open();
    await Promise.all(sent);
    expect(calls).toHaveLength(9);
  });

  test('of a size that no server takes are refused at once', () => {
    expect(() => createPulseClient({ url: 'http://x', apiKey: '', batchSizeMax: 1_001 })).toThrow(
      RangeError,
    );
    expect(() => createPulseClient({ url: 'nowhere', apiKey: '' })).toThrow(TypeError);
  });
});

describe('what is unknown', () => {
  const doubts: Record<string, () => Response> = {
    'answered as such': () => failure(503, 'outcome_unknown'),
    'an answer that is none': () => new Response('{"results":[]}'),
    'a result of no known status': () => Response.json({ results: [{ status: 'LATER' }] }),
    'no JSON': () => new Response('<html>'),
    'a gateway’s error': () => new Response('bad gateway', { status: 502 }),
    'too busy': () => failure(429, 'overloaded'),
  };
  for (const [name, doubt] of Object.entries(doubts)) {
    test(`is sent again, the same to the byte, until it is known: ${name}`, async () => {
      const { client, calls } = clientOf((call, number) => (number < 2 ? doubt() : ok(call)));
      expect(await client.send(pulse())).toMatchObject({ status: 'accepted' });
      expect(calls).toHaveLength(3);
      expect(calls[1]?.body).toEqual(calls[0]?.body ?? {});
      expect(calls[2]?.body).toEqual(calls[0]?.body ?? {});
    });
  }

  test('is sent again after pauses that grow, and not before the server asks for it', async () => {
    const { client, calls } = clientOf(
      (call, number) => {
        if (number === 3) return failure(503, 'log_unavailable', { 'retry-after': '1' });
        return number < 3 ? failure(503, 'outcome_unknown') : ok(call);
      },
      { retryFirstMs: 40, random: () => 0.999 },
    );
    await client.send(pulse());
    const gaps = calls.slice(1).map(({ at }, before) => at - (calls[before]?.at ?? 0));
    expect(gaps).toHaveLength(4);
    for (const [at, leastMs] of [39, 79, 159, 999].entries()) {
      expect(gaps[at]).toBeGreaterThanOrEqual(leastMs);
    }
  });

  test('stays so after a time, with the id to be sent under later', async () => {
    const { client } = clientOf(() => failure(503, 'outcome_unknown'), { giveUpAfterMs: 60 });
    const error = await errorOf(client.send(pulse({ id: 'p-1' })));
    expect(error).toMatchObject({ outcome: 'unknown', code: 'outcome_unknown', id: 'p-1' });
    expect(error.message).toContain('p-1');
  });

  test('is not settled by a later rejection or refusal: the first try may have been taken', async () => {
    const rejected = Response.json({
      results: [{ status: 'PULSE_STATUS_REJECTED', code: 'too_old', message: '' }],
    });
    for (const [second, code] of [
      [() => rejected, 'too_old'],
      [() => failure(401, 'unauthorized'), 'unauthorized'],
    ] as const) {
      const { client } = clientOf((_, number) =>
        number === 0 ? failure(503, 'outcome_unknown') : second(),
      );
      expect(await errorOf(client.send(pulse()))).toMatchObject({ outcome: 'unknown', code });
    }
  });

  test('is what a hanging or absent server leaves', async () => {
    const settings = { requestTimeoutMs: 30, giveUpAfterMs: 40 };
    const { client, server } = clientOf(() => new Promise<Response>(() => {}), settings);
    const hanging = await errorOf(client.send(pulse()));
    expect(hanging).toMatchObject({ outcome: 'unknown', code: 'no_answer' });
    await server.stop(true);
    expect(await errorOf(client.send(pulse()))).toMatchObject({ outcome: 'unknown' });
  });
});

test('a caller who is not let in is told at once, and nothing was taken', async () => {
  const { client, calls } = clientOf(() => failure(403, 'forbidden'));
  expect(await errorOf(client.send(pulse()))).toMatchObject({
    ...{ outcome: 'not_taken', code: 'forbidden' },
  });
  expect(calls).toHaveLength(1);
});

test('a server that has no room for all of the time has taken nothing', async () => {
  const { client } = clientOf(() => failure(429, 'overloaded'), { giveUpAfterMs: 50 });
  expect(await errorOf(client.send(pulse()))).toMatchObject({ outcome: 'not_taken' });
});

describe('a sender that is too fast', () => {
  test('waits for room, in order, and no further than it may', async () => {
    const { open, gate } = held();
    const { client, calls } = clientOf(async (call) => gate.then(() => ok(call)), {
      ...{ queueSizeMax: 2, waitingMax: 3, batchSizeMax: 1, requestsMax: 1 },
    });
    const sent = ['a', 'b', 'c', 'd', 'e'].map((id) => client.send(pulse({ id })));
    expect(await errorOf(client.send(pulse({ id: 'f' })))).toMatchObject({
      ...{ outcome: 'not_taken', code: 'queue_full', id: 'f' },
    });
    let hasRoom = false;
    const room = client.room().then(() => {
      hasRoom = true;
    });
    await Bun.sleep(5);
    expect(hasRoom).toBe(false);
    open();
    await Promise.all([...sent, room]);
    expect(calls.map(({ pulses }) => pulses[0]?.id)).toEqual(['a', 'b', 'c', 'd', 'e']);
    await client.room();
  });

  test('is refused where it would rather be', async () => {
    const { open, gate } = held();
    const { client } = clientOf(async (call) => gate.then(() => ok(call)), {
      ...{ queueSizeMax: 1, whenFull: 'reject' },
    });
    const first = client.send(pulse());
    expect(await errorOf(client.send(pulse()))).toMatchObject({ code: 'queue_full' });
    open();
    await first;
    expect(await client.send(pulse())).toMatchObject({ status: 'accepted' });
  });
});

describe('the end', () => {
  test('flush sends at once and waits until all is settled', async () => {
    const { client, calls } = clientOf(ok, { batchDelayMs: 60_000 });
    let settled = 0;
    for (let n = 0; n < 3; n += 1) void client.send(pulse()).then(() => (settled += 1));
    await client.flush();
    expect([calls.length, settled]).toEqual([1, 3]);
  });

  test('close sends what is left and takes no more', async () => {
    const { client } = clientOf(ok, { batchDelayMs: 60_000 });
    const sent = client.send(pulse());
    await client.close();
    expect(await sent).toMatchObject({ status: 'accepted' });
    expect(await errorOf(client.send(pulse()))).toMatchObject({
      ...{ outcome: 'not_taken', code: 'closed' },
    });
  });

  test('close gives up in time, and tells what is unknown from what never left', async () => {
    const { client, calls } = clientOf(
      (_, number) => {
        return number === 0 ? failure(503, 'outcome_unknown') : new Promise<Response>(() => {});
      },
      { batchSizeMax: 1, requestsMax: 1, queueSizeMax: 2 },
    );
    const sent = ['tried', 'queued', 'waiting'].map((id) => errorOf(client.send(pulse({ id }))));
    while (calls.length < 2) await Bun.sleep(1);
    await client.close(10);
    expect((await Promise.all(sent)).map(({ id, outcome }) => [id, outcome])).toEqual([
      ['tried', 'unknown'],
      ['queued', 'not_taken'],
      ['waiting', 'not_taken'],
    ]);
  });
});

test('close ends a pause, however long', async () => {
  const { client, calls } = clientOf(() => failure(503, 'outcome_unknown'), {
    retryFirstMs: 600_000,
    retryMsMax: 600_000,
    giveUpAfterMs: 6_000_000,
  });
  const sent = errorOf(client.send(pulse()));
  while (calls.length === 0) await Bun.sleep(1);
  await client.close(30);
  expect(await sent).toMatchObject({ outcome: 'unknown', code: 'outcome_unknown' });
});

test('the package that is built runs on Node without Bun', async () => {
  const { url, calls } = clientOf(ok);
  const folder = join(import.meta.dir, '..');
  const out = await mkdtemp(join(folder, 'dist-'));
  stack.defer(() => rm(out, { recursive: true }));
  const tsc = join(folder, '../../node_modules/.bin/tsc');
  const built = Bun.spawnSync([tsc, '-p', join(folder, 'tsconfig.json'), '--outDir', out]);
  expect(built.stdout.toString()).toBe('');
  const script = `
    const { createPulseClient } = await import(${JSON.stringify(join(out, 'pulse-client.js'))});
    const client = createPulseClient({ url: ${JSON.stringify(url)}, apiKey: 'key', source: 'node' });
    const sent = client.send({ productSku: 'a', usedAmount: '0.1', useUnity: 'b' });
    await client.close();
    console.log((await sent).status);
  `;
  const node = Bun.spawn(['node', '--input-type=module', '-e', script], { stderr: 'inherit' });
  expect(await new Response(node.stdout).text()).toBe('accepted\n');
  expect(calls[0]?.pulses[0]).toMatchObject({ source: 'node', usedAmount: '0.1' });
}, 60_000);
