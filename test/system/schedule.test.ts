/** The clock opens and closes polls: by the instant, whether or not a process was there to see it. */
import { describe, expect, test } from 'bun:test';
import { type Answer, type ApiClient, voteKey } from '../support/api-client.ts';
import { Installation } from '../support/installation.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Enough for what has to be done before, on a machine that is slow. */
const AHEAD_MS = 8_000;
const OPTIONS = [
  { id: 'a', name: 'Ana' },
  { id: 'b', name: 'Bia' },
];

const iso = (time: number): string => new Date(time).toISOString();

describe('a schedule', () => {
  test('decides over every single vote by its instant of acceptance', async () => {
    await using apura = await Installation.start();
    const { client } = apura;
    // A machine that sleeps through one of the spans has shown nothing of it: once more, with longer ones.
    for (let spanMs = 1_500; spanMs < 60_000; spanMs *= 2) {
      if (await isVotedInThroughout(client, `race-${spanMs}`, spanMs)) return;
    }
    expect.unreachable('there was always a span without a vote');
  });

  /** Whether votes came before, during and after, whose answers have to be right in any case. */
  const isVotedInThroughout = async (
    client: ApiClient,
    id: string,
    spanMs: number,
  ): Promise<boolean> => {
    const opensAt = Date.now() + spanMs;
    const closesAt = opensAt + spanMs;
    const times = { opensAt: iso(opensAt), closesAt: iso(closesAt) };
    const body = { id, title: 'Race', options: OPTIONS, ...times };
    const created = await client.operate('/v1/polls', { body });
    if (created.status !== 201 && Date.now() >= opensAt) return false;
    expect([created.status, created.json.state]).toEqual([201, 'scheduled']);

    const answers: Answer[] = [];
    await waitUntil('the poll refuses votes as closed', async () => {
      const answer = await client.voteUntilAnswered(id, 'a');
      answers.push(answer);
      return answer.json.code === 'poll_closed';
    });
    const early = answers.filter(({ json }) => json.code === 'poll_not_open');
    const accepted = answers.filter(({ status }) => status === 202);
    // Some before, some during and one after, and nothing else, in this order.
    expect(answers.map(({ status }) => status)).toEqual([
      ...early.map(() => 409),
      ...accepted.map(() => 202),
      409,
    ]);
    for (const { json: refused } of early) {
      expect(refused).toMatchObject({ state: 'scheduled', opensAt: iso(opensAt) });
    }
    for (const { json: vote } of accepted) {
      expect(Date.parse(String(vote.acceptedAt))).toBeGreaterThanOrEqual(opensAt);
      expect(Date.parse(String(vote.acceptedAt))).toBeLessThan(closesAt);
    }
    await client.inState(id, 'closed');
    expect((await client.countsAtRest(id)).votes).toEqual({ a: accepted.length, b: 0 });
    return early.length > 0 && accepted.length > 0;
  };

  test('holds when nobody was there at the opening or at the deadline', async () => {
    await using apura = await Installation.start();
    const { client } = apura;
    const opensAt = Date.now() + AHEAD_MS;
    const missed = { id: 'opens', title: 'Opens', options: OPTIONS, opensAt: iso(opensAt) };
    await client.mustBe(201, '/v1/polls', { body: missed });
    const closesAt = Date.now() + AHEAD_MS;
    await client.openPoll('closes', { closesAt: iso(closesAt) });
    const key = voteKey();
    expect((await client.voteUntilAnswered('closes', 'a', key)).status).toBe(202);
    await apura.kill();
    await waitUntil('both instants have passed', () => Date.now() > closesAt);
    await apura.restart();

    // Before any round of the schedule has stored it: the doors go by the clock.
    expect((await client.voteUntilAnswered('closes', 'a')).json.code).toBe('poll_closed');
    expect((await client.voteUntilAnswered('opens', 'b')).status).toBe(202);
    await client.inState('closes', 'closed');
    expect((await client.poll('closes')).closesAt).toBe(iso(closesAt));
    expect((await client.countsAtRest('closes')).votes).toEqual({ a: 1, b: 0 });
    expect((await client.countsAtRest('opens')).votes).toEqual({ a: 0, b: 1 });
  });

  test('lets an open poll close later, never earlier', async () => {
    await using apura = await Installation.start();
    const { client } = apura;
    const closesAt = Date.now() + 3_600_000;
    await client.openPoll('longer', { closesAt: iso(closesAt) });
    const move = (to: number) =>
      client.operate('/v1/polls/longer', { method: 'PATCH', body: { closesAt: iso(to) } });
    expect((await move(closesAt - 60_000)).json.code).toBe('settings_frozen');
    expect((await move(closesAt + 60_000)).json.closesAt).toBe(iso(closesAt + 60_000));
    await apura.crash();
    expect((await client.poll('longer')).closesAt).toBe(iso(closesAt + 60_000));
  });
});
