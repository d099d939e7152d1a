/** The tally's thread in a whole process: what it tells first, and what is left when it dies. */
import { afterEach, describe, expect, test } from 'bun:test';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type { ThreadName } from '../../src/compose/thread.ts';
import { Thread } from '../../src/compose/thread.ts';
import { type Serving, serve } from '../../src/compose.ts';
import { configOf } from '../../src/config/config.ts';
import { SharedOffsets } from '../../src/runtime/shared-offsets.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import type { TallyTold } from '../../src/threads/tally.ts';
import { ApiClient, type Json, voteKey } from '../support/api-client.ts';
import { temporaryFolder } from '../support/installation.ts';
import { LiveViewer } from '../support/live-viewer.ts';
import { waitUntil } from '../support/wait-until.ts';

const TOKEN = 'the token of a component test';
const PARTITIONS = 2;

interface Process extends Serving {
  readonly client: ApiClient;
  readonly workers: ReadonlyMap<ThreadName, Worker>;
}

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

function newFolder(): string {
  const folder = temporaryFolder();
  cleanup.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const spawn = (name: ThreadName, workerData: unknown): Worker =>
  new Worker(new URL(`../../src/threads/${name}.ts`, import.meta.url), { workerData });

/** `apura serve` in this process, its threads in the test's hands. */
async function startProcess(
  folder: string,
  replaced: Partial<Record<ThreadName, () => Worker>> = {},
): Promise<Process> {
  const config = configOf({
    APURA_DATA: folder,
    APURA_HTTP_PORT: '0',
    APURA_GRPC_PORT: '0',
    APURA_ADMIN_TOKEN: TOKEN.replaceAll(' ', '-'),
    APURA_PARTITIONS: String(PARTITIONS),
  });
  const workers = new Map<ThreadName, Worker>();
  const keep = (name: ThreadName, settings: unknown): Worker => {
    const worker = replaced[name]?.() ?? spawn(name, settings);
    // The log of votes comes first; that of pulses has a thread of the same kind.
    if (!workers.has(name)) workers.set(name, worker);
    return worker;
  };
  const serving = await serve(config, keep, createLogger('silent', 'serve'));
  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopped ??= serving.stop();
    return stopped;
  };
  cleanup.push(stop);
  const client = new ApiClient(() => ({ url: serving.url, token: serving.token.value }));
  return { ...serving, stop, client, workers };
}

describe('a tally thread that dies', () => {
  test('is reported, and results go stale while votes go on', async () => {
    const { client, url, workers } = await startProcess(newFolder());
    await client.openPoll('going-on', { resultsVisibility: 'always', resultsDetail: 'count' });
    await client.votes('going-on', 'a', 5);
    const before = await client.countsAtRest('going-on');
    expect(before).toMatchObject({ total: 5, stale: false });
    using viewer = new LiveViewer(url, '/v1/polls/going-on/live');
    await viewer.message('the hello', ({ type }) => type === 'hello');

    await workers.get('tally')?.terminate();
    const part = await waitUntil('/readyz tells of it', async () => {
      const { json } = await client.ask('/readyz');
      const parts = json.parts as readonly { name: string; ready: boolean; detail: string }[];
      return parts.find(({ name, ready }) => name === 'tally' && !ready);
    });
    expect(part.detail).toContain('tally');
    expect(await client.counts('going-on')).toEqual({ ...before, stale: true });

    // Votes need no tally: taken, durable, in the ledger.
    const key = voteKey();
    expect((await client.voteUntilAnswered('going-on', 'b', key)).status).toBe(202);
    await client.receiptBecomes('going-on', key, 'counted');
    const ready = await client.ask('/readyz');
    expect([ready.status, ready.json.ready]).toEqual([200, true]);
    expect(await client.counts('going-on')).toEqual({ ...before, stale: true });
    // Who watches hears of it too.
    await viewer.message('results that say stale', ({ type, results }) => {
      return type === 'results' && (results as { readonly stale: boolean }).stale;
    });
  });

  test('has lost nothing: the next start counts what came meanwhile', async () => {
    const folder = newFolder();
    const first = await startProcess(folder);
    await first.client.openPoll('caught-up');
    await first.client.votes('caught-up', 'a', 3);
    await first.workers.get('tally')?.terminate();
    await first.client.votes('caught-up', 'b', 4);
    await first.stop();
    const second = await startProcess(folder);
    expect((await second.client.countsAtRest('caught-up')).votes).toEqual({ a: 3, b: 4 });
  });
});

describe('results', () => {
  test('are as stale as the tally says that they are', async () => {
    // A tally that has told once where it stands, behind the log, and gets no further.
    const behind = { frames: [], lagMs: 0, expired: 0, asOf: 1_000, version: 5, stale: true };
    const script = `
      const { parentPort } = require('node:worker_threads');
      parentPort.on('message', ({ call }) => parentPort.postMessage({ reply: call, value: null }));
      parentPort.postMessage({ event: 'told', what: ${JSON.stringify(behind)} });
      parentPort.postMessage({ event: 'ready' });`;
    const tally = (): Worker => new Worker(script, { eval: true });
    const { client } = await startProcess(newFolder(), { tally });
    await client.openPoll('behind');
    await client.votes('behind', 'a', 3);
    expect(await client.counts('behind')).toMatchObject({ version: 5, total: 0, stale: true });
  });
});

describe('a tally whose storage does not answer', () => {
  test('goes stale while votes go on, and fresh again once it does', async () => {
    const folder = newFolder();
    const { client, url } = await startProcess(folder);
    await client.openPoll('stuck', { resultsVisibility: 'always' });
    await client.votes('stuck', 'a', 2);
    await client.countsAtRest('stuck');
    using viewer = new LiveViewer(url, '/v1/polls/stuck/live');
    await viewer.message('the hello', ({ type }) => type === 'hello');
    const saysStale = (wanted: boolean) => (message: Json) =>
      (message.results as { readonly stale: boolean } | undefined)?.stale === wanted;

    using other = new DatabaseSync(join(folder, 'tally.db'));
    other.exec('BEGIN IMMEDIATE');
    await client.votes('stuck', 'b', 3);
    await waitUntil('the results are stale', async () => (await client.counts('stuck')).stale);
    expect((await client.counts('stuck')).votes).toEqual({ a: 2, b: 0 });
    await viewer.message('results that say stale', saysStale(true));
    const seen = viewer.messages.length;

    other.exec('ROLLBACK');
    expect((await client.countsAtRest('stuck')).votes).toEqual({ a: 2, b: 3 });
    await viewer.message('results that are fresh', saysStale(false), seen);
    expect((await client.ask('/readyz')).json.ready).toBe(true);
  });
});

describe('a ledger thread that dies', () => {
  test('is reported, while votes and live results go on', async () => {
    const { client, workers } = await startProcess(newFolder());
    await client.openPoll('without-ledger');
    await workers.get('ledger')?.terminate();
    await client.votes('without-ledger', 'a', 6);
    await waitUntil('the results show the votes', async () => {
      return (await client.counts('without-ledger')).total === 6;
    });
    const { status, json } = await client.ask('/readyz');
    expect(status).toBe(200);
    expect(json.parts).toContainEqual(expect.objectContaining({ name: 'ledger', ready: false }));
  });
});

describe('a log thread that dies', () => {
  test('ends the door: no vote is taken, and the process is to stop', async () => {
    const { client, workers, failed } = await startProcess(newFolder());
    await client.openPoll('over');
    await workers.get('log')?.terminate();
    await failed;
    const { status, json } = await client.vote('over', 'a');
    expect([status, json.code]).toEqual([503, 'not_ready']);
    expect((await client.ask('/readyz')).status).toBe(503);
  });
});

test('a metering thread that dies stops the process: pulses would wait unseen', async () => {
  const { workers, failed } = await startProcess(newFolder());
  await workers.get('metering')?.terminate();
  expect(await failed).toMatchObject({ code: 'internal' });
});

describe('a tally thread that starts', () => {
  test('tells the counts as stored before it is ready: no total is 0 in between', async () => {
    const folder = newFolder();
    const process = await startProcess(folder);
    await process.client.openPoll('stored');
    await process.client.votes('stored', 'a', 9);
    await process.client.countsAtRest('stored');
    const ends = (await process.client.positions()).map(({ end }) => end);
    const { logId } = process;
    await process.stop();

    const shared = new SharedOffsets(PARTITIONS + 1);
    for (const [partition, end] of ends.entries()) shared.set(partition + 1, end);
    const told: TallyTold[] = [];
    let isReady = false;
    const settings = {
      logPath: join(folder, 'log.db'),
      storePath: join(folder, 'tally.db'),
      logId,
      partitions: PARTITIONS,
      dedupWindowMs: 600_000,
      ends: shared.buffer,
      positions: new SharedOffsets(PARTITIONS).buffer,
    };
    const toldBeforeReady: TallyTold[] = [];
    const thread = await Thread.start(spawn, 'tally', settings, {
      onTrouble: () => {},
      onHalted: () => {},
      onTold: (what) => {
        told.push(what as TallyTold);
        if (!isReady) toldBeforeReady.push(what as TallyTold);
      },
    });
    isReady = true;
    cleanup.push(() => thread.stop());
    const [first] = toldBeforeReady;
    expect(first?.version).toBe(ends.reduce((sum, end) => sum + end, 0));
    expect(first?.frames.map(({ scope, items }) => [scope, items.get('a')])).toEqual([
      ['stored', 9],
    ]);
    // It has not read the log again yet, so it can't know that nothing is missing.
    expect(first?.stale).toBe(true);
    await waitUntil('it has looked', () => told.at(-1)?.stale === false);
  });
});
