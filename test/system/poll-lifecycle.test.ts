/** A poll's whole life over HTTP, with the process killed in every state of it. */
import { describe, expect, test } from 'bun:test';
import { type Json, voteKey } from '../support/api-client.ts';
import { Installation } from '../support/installation.ts';

/** A + 2S: how long votes may be on their way when the doors shut. */
const SETTLING_MS = 9_000;

describe('a poll', () => {
  test('lives from draft to archive through a kill -9 in every state', async () => {
    await using apura = await Installation.start();
    const { client } = apura;
    /** The poll as it was before the kill, found again after it. */
    const survives = async (state: string): Promise<Json> => {
      const before = await client.poll('final');
      expect(before.state).toBe(state);
      await apura.crash();
      const { serverTime: _before, ...kept } = before;
      expect(await client.poll('final')).toMatchObject(kept);
      return before;
    };

    const options = [
      { id: 'a', name: 'Ana' },
      { id: 'b', name: 'Bia' },
    ];
    await client.mustBe(201, '/v1/polls', { body: { id: 'final', title: 'Draft', options } });
    await survives('draft');
    expect((await client.ask('/v1/polls/final')).status).toBe(404);
    expect((await client.voteUntilAnswered('final', 'a')).json.code).toBe('poll_not_found');

    const changed = { title: 'Final', timeZone: 'America/Bahia', resultsDetail: 'count' };
    await client.mustBe(200, '/v1/polls/final', { method: 'PATCH', body: changed });
    expect(await survives('draft')).toMatchObject(changed);

    await client.act('final', 'open');
    await survives('open');
    await client.votes('final', 'a', 5);
    const frozen = { method: 'PATCH', body: { resultsDetail: 'winner' } };
    expect((await client.operate('/v1/polls/final', frozen)).json.code).toBe('settings_frozen');

    await client.act('final', 'pause');
    await survives('paused');
    const held = await client.voteUntilAnswered('final', 'a');
    expect(held.status).toBe(409);
    expect(held.json).toMatchObject({ code: 'poll_not_open', state: 'paused' });

    await client.act('final', 'resume');
    await survives('open');
    await client.votes('final', 'b', 3);
    const lastKey = voteKey();
    expect((await client.voteUntilAnswered('final', 'b', lastKey)).status).toBe(202);

    expect(await client.act('final', 'close')).toMatchObject({ state: 'closing' });
    const { closesAt, ...closing } = await client.poll('final');
    // What follows is about a poll that has not settled yet: a slow machine may be too late for it.
    const isSettling = () => Date.now() < Date.parse(String(closesAt)) + SETTLING_MS;
    await apura.crash();
    const found = await client.poll('final');
    expect(found.closesAt).toBe(closesAt);
    expect(found.state).toEqual(isSettling() ? 'closing' : expect.stringMatching(/^clos(ing|ed)$/));
    expect([closing.state, closing.title]).toEqual(['closing', found.title]);
    const late = await client.voteUntilAnswered('final', 'a');
    expect(late.status).toBe(409);
    expect(late.json.code).toBe('poll_closed');
    const publish = { method: 'POST', body: { expectedVersion: closing.version } };
    const early = await client.operate('/v1/polls/final/publish', publish);
    expect(['poll_state', 'version_conflict']).toContain(String(early.json.code));

    await client.inState('final', 'closed');
    const { updatedAt } = await survives('closed');
    const settledMs = Date.parse(String(updatedAt)) - Date.parse(String(closesAt));
    expect(settledMs).toBeGreaterThanOrEqual(SETTLING_MS);
    const result = { a: 5, b: 4 };
    expect((await client.countsAtRest('final')).votes).toEqual(result);

    // A new vote, and one that was counted before: neither moves a closed result.
    expect((await client.voteUntilAnswered('final', 'a')).json.code).toBe('poll_closed');
    expect((await client.voteUntilAnswered('final', 'b', lastKey)).json.code).toBe('poll_closed');
    expect(await client.receipt('final', lastKey)).toMatchObject({ status: 'counted' });
    expect((await client.countsAtRest('final')).votes).toEqual(result);

    await client.act('final', 'publish');
    await survives('published');
    await client.act('final', 'archive');
    await survives('archived');
    expect((await client.countsAtRest('final')).votes).toEqual(result);

    const acts = (await client.mustBe(200, '/v1/polls/final/acts')).json.items as Json[];
    expect(acts.map(({ act, actor }) => `${actor} ${act}`).reverse()).toEqual([
      'operator create',
      'operator update',
      'operator open',
      'operator pause',
      'operator resume',
      'operator close',
      'clock closed',
      'operator publish',
      'operator archive',
    ]);
    await apura.kill();
    expect(await apura.audit()).toMatchObject({ exitCode: 0, balanced: true });
  });

  test('answers a repeated act as if it had its effect now, also after a kill', async () => {
    await using apura = await Installation.start();
    const { client } = apura;
    await client.openPoll('twice');
    const paused = await client.act('twice', 'pause');
    await apura.crash();
    const again = await client.act('twice', 'pause');
    expect(again.version).toBe(paused.version);
    const stale = { method: 'POST', body: { expectedVersion: Number(paused.version) - 1 } };
    expect((await client.operate('/v1/polls/twice/resume', stale)).json.code).toBe(
      'version_conflict',
    );
  });
});
