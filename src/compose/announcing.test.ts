/** Every act that is stored is told, no other, and the rest of the catalogue is as it was. */
import { beforeEach, expect, test } from 'bun:test';
import {
  sampleAct,
  sampleChange,
  sampleImage,
  samplePoll,
} from '../../test/support/catalogue-samples.ts';
import { MemoryCatalogue, MemoryCatalogueStore } from '../adapters/memory/catalogue.ts';
import type { Catalogue, ConsistencyRecord, OperatorAct } from '../ports/catalogue.ts';
import { announcing } from './announcing.ts';
import { newLogSettings } from './new-log.ts';

let inner: MemoryCatalogue;
let told: OperatorAct[];
let catalogue: Catalogue;

beforeEach(() => {
  inner = new MemoryCatalogue(new MemoryCatalogueStore());
  told = [];
  catalogue = announcing(inner, (act) => told.push(act));
});

test('a stored change is told by its act, a conflict is not', async () => {
  const change = sampleChange(samplePoll());
  expect(await catalogue.putPoll(change)).toBe('stored');
  expect(await catalogue.putPoll(change)).toBe('conflict');
  expect(told).toEqual([change.act]);
});

test('an act that changes no poll is told once it is stored', async () => {
  const act = sampleAct({ act: 'export' });
  await catalogue.recordAct(act);
  expect(told).toEqual([act]);
  expect((await inner.acts(null, null, 10)).acts).toEqual([act]);
});

test('what could not be stored is told to nobody', async () => {
  const fail = () => Promise.reject(new Error('away'));
  inner.putPoll = fail;
  inner.recordAct = fail;
  await expect(catalogue.putPoll(sampleChange(samplePoll()))).rejects.toThrow('away');
  await expect(catalogue.recordAct(sampleAct())).rejects.toThrow('away');
  expect(told).toEqual([]);
});

test('everything else goes to the catalogue behind it, and tells nothing', async () => {
  const [first, second] = [newLogSettings(6), newLogSettings(12)];
  expect(await catalogue.mintLogSettings(first)).toEqual(first);
  expect(await catalogue.addLog(second)).toBe('added');
  expect(await catalogue.logs()).toEqual([first, second]);
  const nothing = { detail: null, differences: 0, partitions: [], alarms: [] };
  const times = { checkedAt: 1, reportedAt: 2 };
  const { logId } = first;
  const report: ConsistencyRecord = { logId, state: 'consistent', ...times, ...nothing };
  await catalogue.putConsistency(report);
  expect(await catalogue.consistency(logId)).toEqual(report);
  expect(await catalogue.now()).toBe(await inner.now());

  const image = sampleImage();
  const poll = samplePoll();
  await inner.putPoll(sampleChange(poll, { image }));
  expect(await catalogue.poll(poll.id)).toEqual(poll);
  expect((await catalogue.polls(null, 10)).polls).toEqual([poll]);
  expect(await catalogue.image(image.sha256)).toEqual(image);
  expect(await catalogue.unpublished()).toEqual([poll]);
  await catalogue.markPublished(poll.id, 1);
  expect(await inner.unpublished()).toEqual([]);
  expect((await catalogue.acts(poll.id, null, 10)).acts).toHaveLength(1);
  expect(told).toEqual([]);
});

test('it ends with the catalogue behind it', async () => {
  let ended = 0;
  const end = async (): Promise<void> => {
    ended += 1;
  };
  const proxy = new Proxy(inner, {
    get: (target, name) => (name === Symbol.asyncDispose ? end : Reflect.get(target, name)),
  });
  await announcing(proxy, () => {})[Symbol.asyncDispose]();
  expect(ended).toBe(1);
});
