import { expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { MeteringWorks, pulse } from '../../../test/support/metering-works.ts';
import { encodePulseBlock, encodeUsageBlock } from '../../domain/counting/block.ts';
import { ApuraError } from '../../domain/errors.ts';
import {
  type DeadLetter,
  type DeadLetterReport,
  deadLetterId,
} from '../../domain/metering/dead-letter.ts';
import { encodePulseAct } from '../../domain/metering/pulse-act.ts';
import { encodePulse, encodePulseTexts } from '../../domain/metering/pulse-codec.ts';
import { pulseKey } from '../../domain/metering/pulse-identity.ts';
import { encodeUsageRecords } from '../../domain/metering/usage-wire.ts';
import type { DeadLetters } from '../../ports/dead-letters.ts';
import { DeadLetterDesk, type DeadLetterDeskDeps } from './dead-letter-desk.ts';

const actor = 'ann';
const ANY = { queue: null, state: null, tenant: null, code: null };
const sha256 = (...parts: readonly Uint8Array[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

async function lettersOf(room: MeteringWorks): Promise<readonly DeadLetter[]> {
  return (await room.useCases.deadLetters(ANY, null, 100)).letters;
}

async function onlyLetter(room: MeteringWorks): Promise<DeadLetter> {
  const [letter, ...others] = await lettersOf(room);
  if (letter === undefined || others.length > 0) throw new Error('Not one letter.');
  return letter;
}

/** A letter whose bytes a later version reads, as after a fix: reported, but of a sound pulse. */
function reported(bytes: Uint8Array, more: Partial<DeadLetterReport> = {}): DeadLetterReport {
  const queue = more.queue ?? 'resource-consumption.dlq';
  return {
    id: deadLetterId(queue, bytes, sha256),
    queue,
    bytes,
    origin: { logId: 'pulse-log', partition: 1, offset: 0, index: 0 },
    tenant: 'acme',
    code: 'malformed',
    message: 'Not known here.',
    failedAt: 1,
    ...more,
  };
}

function deskOn(room: MeteringWorks, more: Partial<DeadLetterDeskDeps> = {}): DeadLetterDesk {
  let sequence = 0;
  const nextSource = () => {
    sequence += 1;
    return { writerId: 5n, sequence };
  };
  return new DeadLetterDesk({ ...room.parts, nextSource, ...more });
}

async function countedIn(room: MeteringWorks): Promise<readonly [number, number]> {
  const { partitions } = await room.useCases.overview();
  return [
    partitions.reduce((sum, { books }) => sum + books.counted, 0),
    partitions.reduce((sum, { books }) => sum + books.duplicates, 0),
  ];
}

test('a poisoned pulse of a batch is kept with its bytes, and the others count', async () => {
  const room = new MeteringWorks('2026-03-10');
  const poisoned = encodePulseTexts({ id: 'x', source: 'meter', tenant: 'acme' });
  await room.append([encodePulse(pulse('1', '1')), poisoned, encodePulse(pulse('2', '1'))], 1);
  await room.consume();
  expect(await countedIn(room)).toEqual([2, 0]);
  const letter = await onlyLetter(room);
  expect(letter).toMatchObject({ state: 'PENDING', attempts: 1, tenant: 'acme' });
  expect(letter.bytes).toEqual(poisoned);
  const name = { tenant: 'acme', source: 'meter', id: 'x' };
  expect(await room.useCases.pulse(name)).toMatchObject({ kind: 'dead_letter', letter });
  expect(await room.useCases.pulse({ ...name, id: 'y' })).toEqual({ kind: 'not_found' });
  // Not mended: it fails again, and waits again.
  expect(await room.useCases.requeueDeadLetter({ id: letter.id, actor })).toMatchObject({
    kind: 'ok',
    letter: { state: 'REQUEUED', resolvedBy: 'ann' },
  });
  await room.consume();
  expect(await onlyLetter(room)).toMatchObject({ state: 'PENDING', attempts: 2 });
});

test('a pulse that was mended counts once, however often it is sent again', async () => {
  const room = new MeteringWorks('2026-03-10');
  const { letters, useCases } = room;
  // Longer than one byte of a varint says.
  const attributes = { note: 'x'.repeat(200) };
  const report = reported(encodePulse(pulse('1', '5', { attributes })));
  letters.report([report]);
  const { id } = report;
  expect(await useCases.requeueDeadLetter({ id, actor })).toMatchObject({ kind: 'ok' });
  await letters.resolve(id, ['REQUEUED'], 'PENDING', { actor, at: 1 });
  expect(await useCases.requeueDeadLetter({ id, actor })).toMatchObject({ kind: 'ok' });
  expect((await room.pulseLog.bounds(1)).end).toBe(2);
  await room.consume();
  expect(await countedIn(room)).toEqual([1, 1]);
  expect(await onlyLetter(room)).toMatchObject({ state: 'REQUEUED', attempts: 1 });
  expect((await useCases.acts('acme', null, 10)).acts[0]).toEqual({
    at: room.clock.now(),
    actor,
    act: 'requeue',
    kind: 'dead_letter',
    id,
    tenant: 'acme',
    detail: 'malformed',
  });
});

test('an act that found no pulse is sent again as an act', async () => {
  const room = new MeteringWorks('2026-03-10');
  const target = pulseKey('acme', 'meter', 'late');
  const act = {
    kind: 'void',
    actId: 'a',
    target,
    amount: null,
    reason: 'x',
    actor,
    at: 1,
  } as const;
  await room.appendControl(0, encodePulseAct(act));
  await room.consume();
  const { id, code } = await onlyLetter(room);
  expect(code).toBe('act_target_unknown');
  await room.send(pulse('late', '5'));
  await room.useCases.requeueDeadLetter({ id, actor });
  await room.consume();
  const found = await room.useCases.pulse({ tenant: 'acme', source: 'meter', id: 'late' });
  expect(found).toMatchObject({ kind: 'ok', pulse: { state: 'voided' } });
});

test('bytes that are no block go again as they were, into the log and partition that they came from', async () => {
  const room = new MeteringWorks('2026-03-10');
  const bytes = Uint8Array.of(1, 2, 3);
  await room.pulseLog.append([{ partition: 1, bytes }]);
  await room.usageLog.append([{ partition: 0, bytes }]);
  await room.consume();
  const name = { tenant: 'acme', source: 'meter', id: 'x' };
  expect(await room.useCases.pulse(name)).toEqual({ kind: 'not_found' });
  for (const { id } of await lettersOf(room)) await room.useCases.requeueDeadLetter({ id, actor });
  const [, again] = await room.pulseLog.read(1, 0, 1_000);
  const [, usage] = await room.usageLog.read(0, 0, 1_000);
  expect([again?.bytes, usage?.bytes]).toEqual([bytes, bytes]);
  await room.consume();
  expect((await lettersOf(room)).map(({ attempts }) => attempts)).toEqual([2, 2]);
});

test('a block that lay in another partition goes where it was sealed for, and counts there', async () => {
  const room = new MeteringWorks('2026-03-10');
  const message = encodePulse(pulse('astray', '3'));
  const payload = Uint8Array.of(message.length, ...message);
  const source = { writerId: 1n, sequence: 1 };
  const [home, other] = [0, 1];
  const bytes = encodePulseBlock(home, Date.UTC(2026, 2, 5), source, 1, payload);
  await room.pulseLog.append([{ partition: other, bytes }]);
  await room.consume();
  const { id, origin } = await onlyLetter(room);
  expect(origin.partition).toBe(other);
  await room.useCases.requeueDeadLetter({ id, actor });
  await room.consume();
  const found = await room.useCases.pulse({ tenant: 'acme', source: 'meter', id: 'astray' });
  expect(found).toMatchObject({ kind: 'ok', pulse: { state: 'counted', partition: home } });
  expect((await lettersOf(room)).map(({ state }) => state)).toEqual(['REQUEUED']);
});

test('a block of usage that was mended is taken by rating', async () => {
  const room = new MeteringWorks('2026-03-10');
  const from = { sku: 'disk', when: Date.UTC(2026, 2, 5) };
  const record = {
    series: { tenant: 'acme', sku: from.sku, unit: 'GiB' },
    ...{ start: from.when, partition: 0, version: 1, sum: 10n ** 18n, count: 1 },
    ...{ min: 1n, max: 1n, last: 1n, lastAt: from.when, lastKey: '0'.repeat(32) },
  };
  const records = encodeUsageRecords([record]);
  const block = encodeUsageBlock(0, 1, { writerId: 1n, sequence: 1 }, 1, records);
  const origin = { logId: 'usage-log', partition: 0, offset: 0, index: null };
  const report = reported(block, { queue: 'resource-usage.dlq', origin });
  room.letters.report([report]);
  await room.useCases.requeueDeadLetter({ id: report.id, actor });
  await room.consume();
  expect(await room.unpriced()).toEqual(['disk 1 no_contract']);
});

test('only a letter that waits is sent again or given up, and an unknown one is not found', async () => {
  const room = new MeteringWorks('2026-03-10');
  const { useCases, letters } = room;
  const report = reported(encodePulse(pulse('1', '5')));
  const { id } = report;
  expect(await useCases.requeueDeadLetter({ id, actor })).toEqual({ kind: 'not_found' });
  expect(await useCases.discardDeadLetter({ id, actor })).toEqual({ kind: 'not_found' });
  letters.report([report]);
  expect(await useCases.discardDeadLetter({ id, actor })).toMatchObject({
    kind: 'ok',
    letter: { state: 'DISCARDED', resolvedBy: 'ann', resolvedAt: room.clock.now() },
  });
  for (const decide of [useCases.requeueDeadLetter, useCases.discardDeadLetter]) {
    expect(await decide({ id, actor })).toMatchObject({
      kind: 'conflict',
      letter: { state: 'DISCARDED' },
    });
  }
  expect((await room.pulseLog.bounds(1)).end).toBe(0);
  expect(await useCases.deadLetter(id)).toMatchObject({ bytes: report.bytes });
  expect((await useCases.acts(null, null, 10)).acts.map(({ act }) => act)).toEqual(['discard']);
});

test('a letter is not lost by a crash: its bytes are in the log before it stops waiting', async () => {
  const room = new MeteringWorks('2026-03-10');
  const report = reported(encodePulse(pulse('1', '5')));
  room.letters.report([report]);
  const crash = async (): Promise<never> => {
    throw new Error('killed');
  };
  const append = { ...room.parts.pulses, append: crash };
  expect(deskOn(room, { pulses: append }).requeue({ id: report.id, actor })).rejects.toThrow();
  expect(await onlyLetter(room)).toMatchObject({ state: 'PENDING' });
  const letters: DeadLetters = lettersWith(room, { resolve: crash });
  expect(deskOn(room, { letters }).requeue({ id: report.id, actor })).rejects.toThrow('killed');
  await room.consume();
  expect(await onlyLetter(room)).toMatchObject({ state: 'PENDING' });
  expect(await countedIn(room)).toEqual([1, 0]);
  await room.useCases.requeueDeadLetter({ id: report.id, actor });
  await room.consume();
  expect(await countedIn(room)).toEqual([1, 1]);
});

test('a letter that has failed again before it was resolved goes on waiting', async () => {
  const room = new MeteringWorks('2026-03-10');
  const report = reported(encodePulse(pulse('1', '5')));
  room.letters.report([report]);
  const resolve: DeadLetters['resolve'] = (...asked) => {
    if (asked[2] === 'REQUEUED') {
      room.letters.report([{ ...report, origin: { ...report.origin, offset: 9 } }]);
    }
    return room.letters.resolve(...asked);
  };
  const letters = lettersWith(room, { resolve });
  const outcome = await deskOn(room, { letters }).requeue({ id: report.id, actor });
  expect(outcome).toMatchObject({ kind: 'ok', letter: { state: 'PENDING', attempts: 2 } });
  expect(await onlyLetter(room)).toMatchObject({ state: 'PENDING', attempts: 2 });
});

test('a letter whose bytes have failed again waits, wherever its requeueing is killed', async () => {
  for (let steps = 0; ; steps += 1) {
    const room = new MeteringWorks('2026-03-10');
    const report = reported(encodePulse(pulse('1', '5')), { code: 'rating_unavailable' });
    room.letters.report([report]);
    let left = steps;
    const step = async <T>(act: () => Promise<T>): Promise<T> => {
      left -= 1;
      if (left < 0) throw new Error('killed');
      return act();
    };
    const pulses = {
      ...room.parts.pulses,
      // What was sent is read, and fails, before anybody says that it was sent.
      append: (partition: number, bytes: Uint8Array) =>
        step(async () => {
          await room.parts.pulses.append(partition, bytes);
          room.letters.report([{ ...report, origin: { ...report.origin, offset: 9 } }]);
        }),
    };
    const letters = lettersWith(room, {
      get: (id) => step(() => room.letters.get(id)),
      resolve: (...asked) => step(() => room.letters.resolve(...asked)),
    });
    const requeued = deskOn(room, { pulses, letters }).requeue({ id: report.id, actor });
    const ended = await requeued.then(
      () => 'done',
      () => 'killed',
    );
    expect(await onlyLetter(room)).toMatchObject({ state: 'PENDING' });
    // Started again it is tried as ever.
    room.clock.advance(86_400_000);
    expect(await room.retryDeadLetters()).toBe(1);
    if (ended === 'done') return;
  }
});

test('of two who decide at once one does', async () => {
  const room = new MeteringWorks('2026-03-10');
  const report = reported(encodePulse(pulse('1', '5')));
  room.letters.report([report]);
  const { id } = report;
  const outcomes = await Promise.all([
    room.useCases.requeueDeadLetter({ id, actor }),
    room.useCases.discardDeadLetter({ id, actor }),
  ]);
  expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['conflict', 'ok']);
  expect((await room.useCases.acts(null, null, 10)).acts).toHaveLength(1);
});

test('what is given up is not sent, and what is sent is sent once, by whoever decides at once', async () => {
  for (const verbs of [
    ['requeue', 'discard', 'requeue'],
    ['discard', 'requeue', 'discard'],
  ] as const) {
    const room = new MeteringWorks('2026-03-10');
    const report = reported(encodePulse(pulse('1', '5')));
    room.letters.report([report]);
    const desk = deskOn(room);
    const outcomes = await Promise.all(verbs.map((verb) => desk[verb]({ id: report.id, actor })));
    const state = verbs[0] === 'requeue' ? 'REQUEUED' : 'DISCARDED';
    expect(outcomes.map(({ kind }) => kind)).toEqual(['ok', 'conflict', 'conflict']);
    expect(await onlyLetter(room)).toMatchObject({ state });
    expect((await room.pulseLog.bounds(1)).end).toBe(state === 'REQUEUED' ? 1 : 0);
  }
});

test('a decision that fails holds up none that comes behind it', async () => {
  const room = new MeteringWorks('2026-03-10');
  const report = reported(encodePulse(pulse('1', '5')));
  room.letters.report([report]);
  const append = () => Promise.reject(new Error('The log is away.'));
  const desk = deskOn(room, { pulses: { ...room.parts.pulses, append } });
  const [sent, given] = await Promise.allSettled([
    desk.requeue({ id: report.id, actor }),
    desk.discard({ id: report.id, actor }),
  ]);
  expect(sent.status).toBe('rejected');
  expect(given).toMatchObject({ value: { kind: 'ok', letter: { state: 'DISCARDED' } } });
});

test('bytes of another log, or of one that is not here, are left where they are', async () => {
  const room = new MeteringWorks('2026-03-10');
  const origin = { logId: 'other', partition: 0, offset: 0, index: 0 };
  const foreign = reported(encodePulse(pulse('1', '5')), { origin });
  const usage = reported(Uint8Array.of(1), { queue: 'resource-usage.dlq' });
  room.letters.report([foreign, usage]);
  const desk = deskOn(room, { usage: null });
  expect(desk.requeue({ id: foreign.id, actor })).rejects.toMatchObject({ code: 'log_mismatch' });
  expect(desk.requeue({ id: usage.id, actor })).rejects.toMatchObject({ code: 'not_ready' });
  expect((await lettersOf(room)).map(({ state }) => state)).toEqual(['PENDING', 'PENDING']);
});

test('many letters are decided about at once, those that match and wait', async () => {
  const room = new MeteringWorks('2026-03-10');
  const report = (id: string, more: Partial<DeadLetterReport>): DeadLetterReport =>
    reported(encodePulse(pulse(id, '5')), more);
  const some = [1, 2, 3].map((id) => report(`a${id}`, { tenant: 'acme' }));
  room.letters.report([...some, report('z', { tenant: 'zoo' })]);
  const first = some[0]?.id ?? '';
  const ended = (resolved: number) => ({ resolved, failed: [], nextCursor: null });
  await room.useCases.discardDeadLetter({ id: first, actor });
  const filter = { ...ANY, tenant: 'acme', state: 'DISCARDED' } as const;
  const all = { filter, state: 'REQUEUED', actor, cursor: null } as const;
  expect(await room.useCases.resolveDeadLetters(all)).toEqual(ended(2));
  await room.consume();
  expect(await countedIn(room)).toEqual([2, 0]);
  const rest = { filter: ANY, state: 'DISCARDED', actor, cursor: null } as const;
  expect(await room.useCases.resolveDeadLetters(rest)).toEqual(ended(1));
  expect(await room.useCases.resolveDeadLetters(rest)).toEqual(ended(0));
  const many = Array.from({ length: 501 }, (_, id) => report(`m${id}`, { failedAt: id }));
  room.letters.report(many);
  const { resolved, nextCursor } = await room.useCases.resolveDeadLetters(rest);
  expect(resolved).toBe(500);
  expect(await room.useCases.resolveDeadLetters({ ...rest, cursor: nextCursor })).toEqual(ended(1));
});

test('letters that can not be sent again are told one by one, and keep no other waiting', async () => {
  const room = new MeteringWorks('2026-03-10');
  const origin = { logId: 'other', partition: 0, offset: 0, index: 0 };
  const code = 'rating_unavailable';
  const foreign = reported(encodePulse(pulse('1', '5')), { origin, code, failedAt: 3 });
  const sound = reported(encodePulse(pulse('2', '5')), { code, failedAt: 2 });
  const given = reported(encodePulse(pulse('3', '5')), { code, failedAt: 1 });
  const gone = reported(encodePulse(pulse('4', '5')), { code, failedAt: 0 });
  room.letters.report([foreign, sound, given, gone]);
  const letters = lettersWith(room, {
    // Somebody else decides between the list and the letter.
    get: async (id) => {
      if (id === gone.id) return null;
      if (id === given.id)
        await room.letters.resolve(id, ['PENDING'], 'DISCARDED', { actor, at: 1 });
      return room.letters.get(id);
    },
  });
  const all = { filter: ANY, state: 'REQUEUED', actor, cursor: null } as const;
  expect(await deskOn(room, { letters }).resolveAll(all)).toEqual({
    resolved: 1,
    failed: [
      { id: foreign.id, code: 'log_mismatch', detail: 'The bytes come from the log other.' },
      { id: given.id, code: 'dead_letter_state', detail: 'The letter is DISCARDED.' },
      { id: gone.id, code: 'dead_letter_not_found', detail: 'No dead letter has this id.' },
    ],
    nextCursor: null,
  });
  const away = async (): Promise<never> => {
    throw new ApuraError('log_unavailable', 'away');
  };
  const pulses = { ...room.parts.pulses, append: away };
  const back = { actor, at: 1 };
  await room.letters.resolve(sound.id, ['REQUEUED'], 'PENDING', back);
  await expect(deskOn(room, { pulses }).resolveAll(all)).rejects.toMatchObject({
    code: 'log_unavailable',
  });
  const broken = { ...room.parts.pulses, append: () => Promise.reject(new Error('broken')) };
  await expect(deskOn(room, { pulses: broken }).resolveAll(all)).rejects.toThrow('broken');
  room.clock.advance(86_400_000);
  // The clock meets the foreign one first, and goes on.
  expect(await deskOn(room).retryDue()).toBe(2);
});

test('what time may mend is sent again by itself when its time has come', async () => {
  const room = new MeteringWorks('2026-03-10');
  const failedAt = room.clock.now();
  const retried = reported(encodePulse(pulse('1', '5')), { code: 'rating_unavailable', failedAt });
  const never = reported(encodePulse(pulse('2', '5')), { failedAt });
  room.letters.report([retried, never]);
  const retry = room.retryDeadLetters;
  room.clock.advance(59_999);
  expect(await retry()).toBe(0);
  room.clock.advance(1);
  expect(await retry()).toBe(1);
  expect(await retry()).toBe(0);
  expect(await room.useCases.deadLetter(retried.id)).toMatchObject({
    state: 'REQUEUED',
    resolvedBy: 'clock',
  });
  expect(await room.useCases.deadLetter(never.id)).toMatchObject({ state: 'PENDING' });
  await room.consume();
  expect(await countedIn(room)).toEqual([1, 0]);
});

function lettersWith(room: MeteringWorks, more: Partial<DeadLetters>): DeadLetters {
  const { letters } = room;
  return {
    list: (...asked) => letters.list(...asked),
    get: (id) => letters.get(id),
    pending: () => letters.pending(),
    due: (...asked) => letters.due(...asked),
    resolve: (...asked) => letters.resolve(...asked),
    ...more,
  };
}
