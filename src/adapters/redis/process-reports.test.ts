import { afterAll, beforeAll, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../../../test/support/redis-server.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import { processReport, processReportsContract } from '../../ports/process-reports.contract.ts';
import type { ProcessReport } from '../../ports/process-reports.ts';
import { openRedisProcessReports } from './process-reports.ts';

let server: RedisServer;
let admin: Redis;
let installations = 0;

beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.url, { maxRetriesPerRequest: 50 });
  admin.on('error', () => {});
});

afterAll(async () => {
  admin.disconnect();
  await server[Symbol.asyncDispose]();
});

const open = () =>
  openRedisProcessReports({ url: server.url, keyPrefix: `reports-${installations}` });

processReportsContract('redis', async () => {
  installations += 1;
  const handles = new AsyncDisposableStack();
  return {
    open: async () => handles.use(await open()),
    [Symbol.asyncDispose]: () => handles.disposeAsync(),
  };
});

test('what is no report is left out, also of a known form with a wrong part', async () => {
  installations += 1;
  await using reports = await open();
  const heard: ProcessReport[] = [];
  reports.subscribe((report) => heard.push(report));
  const tell = (report: unknown): Promise<number> =>
    admin.publish(
      `reports-${installations}:reports`,
      typeof report === 'string' ? report : JSON.stringify(report),
    );
  await waitUntil('a listener', async () => (await tell('')) === 1);
  const door = {
    ...{ received: 1, accepted: 1, rejected: { a: 1, b: 'x' }, unknown: 0 },
    ...{ acceptedPerSecond: 1, peakPerSecond: 1, p50Ms: 1, p99Ms: 1 },
  };
  const wrong = [
    ...['{', '[]', 'null', '7', { name: 'x' }, processReport({ name: 'x'.repeat(20_000) })],
    ...[{ role: 1 }, { at: null }, { rssBytes: '1' }, { cpuPercent: null }, { trouble: 1 }].map(
      (part) => ({ ...processReport(), ...part }),
    ),
    ...[{ lagMs: '1' }, { door: [] }, { door: undefined }].map((part) => ({
      ...processReport(),
      ...part,
    })),
    ...Object.keys(door).map((part) => ({
      ...processReport(),
      door: { ...door, [part]: null },
    })),
  ];
  for (const one of wrong) await tell(one);
  await tell({ ...processReport({ name: 'right' }), door, more: 1 });
  await waitUntil('the right one', () => heard.length > 0);
  expect(heard).toEqual([processReport({ name: 'right', door: { ...door, rejected: { a: 1 } } })]);
});

test('reports are told and heard again after the server was away', async () => {
  installations += 1;
  await using reports = await open();
  const heard: ProcessReport[] = [];
  reports.subscribe((report) => heard.push(report));
  await server.restart();
  await waitUntil('a report', () => {
    reports.publish(processReport());
    return heard.length > 0;
  });
});
