/** One vote is one vote, however often it is sent: at once, through a kill -9, to the edge of its time. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { voteKey } from '../support/api-client.ts';
import { Installation } from '../support/installation.ts';
import { waitUntil } from '../support/wait-until.ts';

/** W/2: how old an id may be when its vote is sent. */
const SENDABLE_MS = 300_000;
const MINUTE_MS = 60_000;

let apura: Installation;
beforeAll(async () => {
  apura = await Installation.start();
});
afterAll(() => apura[Symbol.asyncDispose]());

describe('the same vote', () => {
  test('sent ten times at once and once after each of two kills counts once', async () => {
    const { client } = apura;
    await client.openPoll('tenfold');
    const key = voteKey();
    const send = () => client.voteUntilAnswered('tenfold', 'a', key);
    const answers = await Promise.all(Array.from({ length: 10 }, send));
    await apura.crash();
    answers.push(await send());
    // Counted and at rest: now the repeat is known from what a start reads again, or not at all.
    await client.drained();
    await apura.crash();
    answers.push(await send());
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect(new Set(answers.map(({ json }) => json.id))).toEqual(new Set([key]));
    expect(await client.countsAtRest('tenfold')).toMatchObject({ votes: { a: 1, b: 0 } });
    expect(await client.receipt('tenfold', key)).toMatchObject({ status: 'counted' });
    expect(await client.exportOf('tenfold', 'votes')).toHaveLength(1);
    const [report] = (await apura.audit()).partitions;
    const books = report?.books.find(({ scope }) => scope === 'tenfold');
    expect(books).toMatchObject({ logged: 12, counted: 1, duplicate: 11 });
  });

  test('sent again for another option stays what it was first', async () => {
    const { client } = apura;
    await client.openPoll('changed-mind');
    const key = voteKey();
    await client.voteUntilAnswered('changed-mind', 'a', key);
    expect((await client.voteUntilAnswered('changed-mind', 'b', key)).status).toBe(202);
    expect((await client.countsAtRest('changed-mind')).votes).toEqual({ a: 1, b: 0 });
  });

  test('is told apart by poll: one key counts in both', async () => {
    const { client } = apura;
    await client.openPoll('left');
    await client.openPoll('right');
    const key = voteKey();
    for (const poll of ['left', 'right', 'left', 'right']) {
      expect((await client.voteUntilAnswered(poll, 'a', key)).status).toBe(202);
    }
    expect((await client.countsAtRest('left')).votes).toEqual({ a: 1, b: 0 });
    expect((await client.countsAtRest('right')).votes).toEqual({ a: 1, b: 0 });
  });

  test('is one vote in any letter case of its key', async () => {
    const { client } = apura;
    await client.openPoll('cases');
    const key = voteKey();
    await client.voteUntilAnswered('cases', 'a', key);
    expect((await client.voteUntilAnswered('cases', 'a', key.toUpperCase())).status).toBe(202);
    expect((await client.countsAtRest('cases')).total).toBe(1);
  });

  test('is taken until its id is half a window old, then refused with a receipt that says counted', async () => {
    const { client } = apura;
    await client.openPoll('old');
    const idTime = Date.now() - SENDABLE_MS + 12_000;
    const key = voteKey(idTime);
    expect((await client.voteUntilAnswered('old', 'a', key)).status).toBe(202);
    const untimely: string[] = [];
    const refused = await waitUntil('the id is too old to be sent', async () => {
      const before = Date.now();
      const answer = await client.voteUntilAnswered('old', 'a', key);
      const after = Date.now();
      // Neither refused too early nor taken too late, by the clock that door and test share.
      const isLate = after - idTime > SENDABLE_MS;
      if (answer.status === 410 && !isLate) untimely.push(`refused at ${after - idTime}`);
      if (answer.status === 202 && before - idTime > SENDABLE_MS) {
        untimely.push(`taken at ${before - idTime}`);
      }
      return answer.status === 410 && answer;
    });
    expect(untimely).toEqual([]);
    expect(refused.json.code).toBe('id_expired');
    expect(await client.receipt('old', key)).toMatchObject({ status: 'counted' });
    expect((await client.countsAtRest('old')).votes).toEqual({ a: 1, b: 0 });
  });
});

describe('a key', () => {
  test.each([
    ['of another version', '0193512a-7c00-4000-8000-000000000000', 400, 'invalid_idempotency_key'],
    ['that is no UUID', 'once', 400, 'invalid_idempotency_key'],
    ['from long ago', voteKey(Date.now() - 2 * SENDABLE_MS), 410, 'id_expired'],
    ['from the future', voteKey(Date.now() + 60 * MINUTE_MS), 400, 'id_in_future'],
  ])('%s is refused, and counts nothing', async (_name, key, status, code) => {
    const { client } = apura;
    const poll = code.replaceAll('_', '-') + status + key.length;
    await client.openPoll(poll);
    const answer = await client.voteUntilAnswered(poll, 'a', key);
    expect(answer.status).toBe(status);
    expect(answer.json.code).toBe(code);
    expect((await client.countsAtRest(poll)).total).toBe(0);
  });

  test('is made by the server where the voter has none', async () => {
    const { client } = apura;
    await client.openPoll('keyless');
    const { json } = await client.vote('keyless', 'b', null);
    await client.receiptBecomes('keyless', String(json.id), 'counted');
    expect((await client.voteUntilAnswered('keyless', 'b', String(json.id))).status).toBe(202);
    expect((await client.countsAtRest('keyless')).votes).toEqual({ a: 0, b: 1 });
  });
});

describe('a receipt', () => {
  test('goes from pending to counted, and never tells the option', async () => {
    const { client } = apura;
    const options = [
      { id: 'the-first-choice', name: 'Ana' },
      { id: 'the-other-choice', name: 'Bia' },
    ];
    await client.openPoll('secret', { options });
    const key = voteKey();
    const pending = await client.receipt('secret', key);
    expect(pending).toEqual({ id: key, poll: 'secret', status: 'pending', acceptedAt: null });
    const { json } = await client.voteUntilAnswered('secret', 'the-other-choice', key);
    const counted = await client.receiptBecomes('secret', key, 'counted');
    const { acceptedAt } = json;
    expect(counted).toEqual({ id: key, poll: 'secret', status: 'counted', acceptedAt });
  });

  test('of another poll, of no poll, of no vote and of the future tells nothing', async () => {
    const { client } = apura;
    await client.openPoll('here');
    await client.openPoll('there');
    const key = voteKey();
    await client.voteUntilAnswered('here', 'a', key);
    await client.receiptBecomes('here', key, 'counted');
    expect(await client.receipt('there', key)).toMatchObject({ status: 'pending' });
    const ask = async (path: string) => (await client.ask(path)).json.code;
    expect(await ask(`/v1/polls/nowhere/receipts/${key}`)).toBe('poll_not_found');
    expect(await ask('/v1/polls/here/receipts/once')).toBe('receipt_unknown');
    const ahead = voteKey(Date.now() + MINUTE_MS);
    expect(await ask(`/v1/polls/here/receipts/${ahead}`)).toBe('receipt_unknown');
  });

  test('of an old id that never came says finally that it does not count', async () => {
    await using idle = await Installation.start();
    const { client } = idle;
    await client.openPoll('idle');
    const key = voteKey(Date.now() - 2 * SENDABLE_MS - MINUTE_MS);
    // No vote moves this log's time: the question itself has to, by a time mark.
    const { acceptedAt } = await client.receiptBecomes('idle', key, 'not_counted_final');
    expect(acceptedAt).toBeNull();
    // An id that could still count is never called final.
    const young = voteKey(Date.now() - 2 * SENDABLE_MS + MINUTE_MS);
    expect(await client.receipt('idle', young)).toMatchObject({ status: 'pending' });
  });
});
