/** A server that stands still for longer than it may take to answer: SIGSTOP, as a suspended machine is. */
import { describe, expect, test } from 'bun:test';
import { voteKey } from '../support/api-client.ts';
import { holdLog } from '../support/held-log.ts';
import { Installation } from '../support/installation.ts';
import { startApura } from '../support/serve.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Longer than A, the 5 s within which a vote is acknowledged or unknown. */
const PAUSE_MS = 7_000;
const IN_FLIGHT = 30;
const PAUSES = 2;
const RATE = 3_000;
/** What falls due in a pause comes at once afterwards, and 3 s later whatever was unknown has come again. */
/** A machine that has other things to do takes fewer votes a second than it is sent. */
const SETTLED_MS_MAX = 240_000;
const SETTLED_VOTES = (RATE * (PAUSE_MS + 3_000)) / 1_000;

/** Stops the server's process for the pause; `during` runs at its end. */
async function pause(apura: Installation, during: () => void = () => {}): Promise<void> {
  await apura.serving.kill('SIGSTOP');
  const until = performance.now() + PAUSE_MS;
  await waitUntil('the pause is over', () => performance.now() >= until);
  during();
  await apura.serving.kill('SIGCONT');
}

describe('a pause of 7 s', () => {
  test('makes votes unknown that the log took meanwhile, and sent again they count once', async () => {
    await using apura = await Installation.start({ env: { APURA_PARTITIONS: '2' } });
    const { client } = apura;
    await client.openPoll('paused');
    const keys = Array.from({ length: IN_FLIGHT }, () => voteKey());
    // Held from outside, the log has every one of these votes waiting when the process stops.
    using held = holdLog(apura.dataDir);
    const answers = Promise.all(keys.map((key) => client.vote('paused', 'a', key)));
    await waitUntil('all votes wait for the log', async () => {
      return (await client.metric('apura_votes_pending')) === IN_FLIGHT;
    });
    await pause(apura, () => held.release());

    for (const [index, { status, json, headers }] of (await answers).entries()) {
      expect(status).toBe(503);
      expect(json).toMatchObject({ code: 'outcome_unknown', id: keys[index] });
      expect(headers.get('retry-after')).toBe('1');
    }
    // The log takes them all the same, a moment after: unknown was the truth, and no "no".
    await waitUntil('the log has taken them all', async () => {
      return (await client.countsAtRest('paused')).votes.a === IN_FLIGHT;
    });
    for (const key of keys)
      expect((await client.voteUntilAnswered('paused', 'a', key)).status).toBe(202);
    expect((await client.countsAtRest('paused')).votes).toEqual({ a: IN_FLIGHT, b: 0 });
    await apura.kill();
    const { partitions, exitCode } = await apura.audit();
    expect(exitCode).toBe(0);
    const books = partitions.flatMap((partition) => partition.books);
    const sumOf = (book: 'logged' | 'counted' | 'duplicate'): number =>
      books.reduce((sum, each) => sum + each[book], 0);
    expect(['logged', 'counted', 'duplicate'].map((book) => sumOf(book as 'logged'))).toEqual([
      2 * IN_FLIGHT,
      IN_FLIGHT,
      IN_FLIGHT,
    ]);
  });

  test('under load loses nothing acknowledged, and the balance sheet is exact', async () => {
    await using apura = await Installation.start();
    const { client } = apura;
    await client.openPoll('loaded');
    const server = ['--url', apura.url, '--token', apura.token, '--poll', 'loaded'];
    const load = startApura([
      'load',
      ...server,
      '--rate',
      `${RATE}`,
      '--duration',
      '30m',
      '--json',
    ]);
    const accepted = () => client.metric('apura_votes_accepted_total');
    await waitUntil('votes come in', async () => (await accepted()) > RATE);
    for (let done = 0; done < PAUSES; done += 1) {
      const before = await accepted();
      // Held until the end of the pause, the log is sure to have votes waiting for it in there.
      using held = holdLog(apura.dataDir);
      await waitUntil('votes wait for the log', async () => {
        return (await client.metric('apura_votes_pending')) > 0;
      });
      await pause(apura, () => held.release());
      await waitUntil(
        'what was unknown was sent again',
        async () => (await accepted()) > before + SETTLED_VOTES,
        SETTLED_MS_MAX,
      );
    }
    process.kill(load.pid, 'SIGINT');
    const { exitCode, stdout, stderr } = await load.ended;
    expect(stderr).toBe('');
    const report = JSON.parse(stdout);
    console.log(
      `pauses: ${report.sent} sent, ${report.tries} tries, ${report.unknown} unknown at the end`,
    );
    expect(report.exact).toBe(true);
    expect(exitCode).toBe(0);
    // Votes that waited became unknown, and were sent again with the same id.
    expect(report.tries).toBeGreaterThan(report.sent);
    await apura.kill();
    expect(await apura.audit()).toMatchObject({ exitCode: 0, balanced: true });
  });
});
