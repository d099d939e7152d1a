/** A door whose log stalls, says nothing, or fails: bounded, honest, and never a vote twice. */
import { describe, expect, test } from 'bun:test';
import { type Answer, voteKey } from '../support/api-client.ts';
import { DoorUnderTest, POLL } from '../support/door-under-test.ts';
import { waitUntil } from '../support/wait-until.ts';

const PENDING_MAX = 100;
const TOO_MANY = 60;

const keysOf = (count: number): string[] => Array.from({ length: count }, () => voteKey());
const codesOf = (answers: readonly Answer[]): string[] =>
  answers.map(({ status, json }) => (status === 202 ? 'accepted' : String(json.code)));

async function isPending(door: DoorUnderTest, count: number): Promise<void> {
  await waitUntil(`${count} votes wait for the log`, () => door.writer.pending === count);
}

describe('while the log stalls', () => {
  test('the door holds a bounded number of votes and refuses the others at once', async () => {
    await using door = new DoorUnderTest({ pendingEventsMax: PENDING_MAX });
    door.stall();
    const waiting = Promise.all(
      keysOf(PENDING_MAX).map((key) => door.client.vote(POLL, 'ana', key)),
    );
    await isPending(door, PENDING_MAX);

    const refusedKeys = keysOf(TOO_MANY);
    // Answered while the log still stalls: or this line would never end.
    const refused = await Promise.all(
      refusedKeys.map((key) => door.client.vote(POLL, 'bruno', key)),
    );
    expect(codesOf(refused)).toEqual(refused.map(() => 'overloaded'));
    for (const { status, headers } of refused) {
      expect(status).toBe(503);
      expect(headers.get('retry-after')).toBe('1');
    }
    expect(door.writer.pending).toBe(PENDING_MAX);

    door.resume();
    expect(codesOf(await waiting)).toEqual(Array(PENDING_MAX).fill('accepted'));
    // A refusal is a promise too: nothing of those votes was logged.
    expect(await door.count()).toEqual({ logged: PENDING_MAX, votes: { ana: PENDING_MAX } });
    const again = await Promise.all(refusedKeys.map((key) => door.client.vote(POLL, 'bruno', key)));
    expect(codesOf(again)).toEqual(again.map(() => 'accepted'));
    expect((await door.count()).votes).toEqual({ ana: PENDING_MAX, bruno: TOO_MANY });
    const { received, accepted, unknown, rejected } = door.books;
    expect({ received, accepted, unknown, rejected: Object.fromEntries(rejected) }).toEqual({
      received: PENDING_MAX + 2 * TOO_MANY,
      accepted: PENDING_MAX + TOO_MANY,
      unknown: 0,
      rejected: { overloaded: TOO_MANY },
    });
  });

  test('votes become unknown after the acceptance bound, but are held until the log has answered', async () => {
    await using door = new DoorUnderTest({
      pendingEventsMax: PENDING_MAX,
      acceptanceBoundMs: 100,
    });
    door.stall();
    const keys = keysOf(PENDING_MAX);
    const answers = await Promise.all(keys.map((key) => door.client.vote(POLL, 'ana', key)));
    expect(codesOf(answers)).toEqual(answers.map(() => 'outcome_unknown'));
    for (const [index, { status, json, headers }] of answers.entries()) {
      expect([status, json.id, headers.get('retry-after')]).toEqual([503, keys[index], '1']);
    }
    // Their memory is not free yet, so they still count against the bound.
    expect(door.writer.pending).toBe(PENDING_MAX);
    expect(codesOf([await door.client.vote(POLL, 'ana')])).toEqual(['overloaded']);

    door.resume();
    await isPending(door, 0);
    const again = await Promise.all(keys.map((key) => door.client.vote(POLL, 'ana', key)));
    expect(codesOf(again)).toEqual(again.map(() => 'accepted'));
    expect(await door.count()).toEqual({ logged: 2 * PENDING_MAX, votes: { ana: PENDING_MAX } });
  });

  test('an append that ends after the bound acknowledges nothing', async () => {
    await using door = new DoorUnderTest({ acceptanceBoundMs: 50 });
    door.stall();
    const answer = door.client.vote(POLL, 'ana');
    await isPending(door, 1);
    expect(codesOf([await answer])).toEqual(['outcome_unknown']);
    door.resume();
    await isPending(door, 0);
    expect(door.books.accepted).toBe(0);
    expect(door.books.unknown).toBe(1);
  });
});

describe('where the whole process stands still during an append', () => {
  test('what comes back late is unknown, though no timer has said so', async () => {
    const acceptanceBoundMs = 50;
    await using door = new DoorUnderTest({ acceptanceBoundMs });
    const key = voteKey();
    door.spinNextAppend(2 * acceptanceBoundMs);
    expect(codesOf([await door.client.vote(POLL, 'ana', key)])).toEqual(['outcome_unknown']);
    expect(await door.count()).toEqual({ logged: 1, votes: { ana: 1 } });
    expect((await door.client.vote(POLL, 'ana', key)).status).toBe(202);
    expect(await door.count()).toEqual({ logged: 2, votes: { ana: 1 } });
  });
});

describe('where the log can not say what became of an append', () => {
  test.each([
    ['and holds nothing of it', 0],
    ['but holds all of it', 1],
  ])('%s, the vote is unknown, and sent again it counts once', async (_name, appended) => {
    await using door = new DoorUnderTest();
    const key = voteKey();
    door.failNextAppend({ code: 'append_unknown', appended });
    const unknown = await door.client.vote(POLL, 'ana', key);
    expect(unknown.status).toBe(503);
    expect(unknown.json).toMatchObject({ code: 'outcome_unknown', id: key });
    expect(unknown.headers.get('retry-after')).toBe('1');
    expect((await door.client.vote(POLL, 'ana', key)).status).toBe(202);
    expect(await door.count()).toEqual({ logged: appended + 1, votes: { ana: 1 } });
    expect(door.failures).toEqual([]);
  });

  test('a vote without a key is told the id that it was given', async () => {
    await using door = new DoorUnderTest();
    door.failNextAppend({ code: 'append_unknown', appended: 1 });
    const { json } = await door.client.vote(POLL, 'bruno', null);
    expect(json.code).toBe('outcome_unknown');
    expect((await door.client.vote(POLL, 'bruno', String(json.id))).status).toBe(202);
    expect(await door.count()).toEqual({ logged: 2, votes: { bruno: 1 } });
  });

  test('a log that took nothing is said to have taken nothing', async () => {
    await using door = new DoorUnderTest();
    door.failNextAppend({ code: 'log_unavailable', appended: 0 });
    const key = voteKey();
    const refused = await door.client.vote(POLL, 'ana', key);
    expect([refused.status, refused.json.code]).toEqual([503, 'log_unavailable']);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await door.count()).toEqual({ logged: 0, votes: {} });
    expect((await door.client.vote(POLL, 'ana', key)).status).toBe(202);
    expect(await door.count()).toEqual({ logged: 1, votes: { ana: 1 } });
  });
});

describe('once the storage of the log has failed', () => {
  test('no vote is acknowledged any more, and the process is told to end', async () => {
    await using door = new DoorUnderTest();
    const first = await door.client.vote(POLL, 'ana');
    expect(first.status).toBe(202);
    door.failNextAppend({ code: 'log_failed', appended: 0 });
    for (let vote = 0; vote < 5; vote += 1) {
      expect(codesOf([await door.client.vote(POLL, 'ana')])).toEqual(['outcome_unknown']);
    }
    expect(door.failures.map(({ code }) => code)).toEqual(['log_failed']);
    expect(door.books.accepted).toBe(1);
    expect(await door.count()).toEqual({ logged: 1, votes: { ana: 1 } });
  });
});
