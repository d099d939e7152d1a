/** A stop in peace: what was taken is answered and counted, and nobody waits for a door that is shut. */
import { describe, expect, test } from 'bun:test';
import { voteKey } from '../support/api-client.ts';
import { holdLog } from '../support/held-log.ts';
import { Installation } from '../support/installation.ts';
import { LiveViewer } from '../support/live-viewer.ts';
import { startApura } from '../support/serve.ts';
import { waitUntil } from '../support/wait-until.ts';

const IN_FLIGHT = 40;
/** What a stop leaves requests to end in; less than the 5 s in which a door answers. */
const GRACE_MS = 3_000;
const TRIES_MAX = 5;

describe('SIGTERM', () => {
  /** Whether it was stopped, and its log let go, within the time that a stop leaves. */
  const isStoppedInTime = async (): Promise<boolean> => {
    await using apura = await Installation.start();
    const { client } = apura;
    await client.openPoll('last');
    const since = performance.now();
    using held = holdLog(apura.dataDir);
    const keys = Array.from({ length: IN_FLIGHT }, () => voteKey());
    const answers = Promise.allSettled(keys.map((key) => client.vote('last', 'a', key)));
    await waitUntil('all votes wait for the log', async () => {
      return (await client.metric('apura_votes_pending')) === IN_FLIGHT;
    });
    const exitCode = apura.serving.kill('SIGTERM');
    await waitUntil('no connection is taken any more', () =>
      client.ask('/healthz').then(
        () => false,
        () => true,
      ),
    );
    held.release();
    const statuses = (await answers).map((each) =>
      each.status === 'fulfilled' ? each.value.status : each.reason,
    );
    const tookMs = performance.now() - since;
    expect(await exitCode).toBe(0);
    await apura.restart();
    const { votes } = await client.countsAtRest('last');
    // What was said yes to is counted, however slow it all was.
    const accepted = statuses.filter((status) => status === 202).length;
    expect(votes.a).toBeGreaterThanOrEqual(accepted);
    if (tookMs > GRACE_MS) return false;
    expect(statuses).toEqual(keys.map(() => 202));
    expect(votes).toEqual({ a: IN_FLIGHT, b: 0 });
    return true;
  };

  test('lets every vote that waits for the log be answered, and loses none', async () => {
    let tries = 1;
    while (!(await isStoppedInTime())) {
      // A machine that is this slow shows nothing: once more.
      expect(tries).toBeLessThan(TRIES_MAX);
      tries += 1;
    }
  });

  test('under load loses nothing: the balance sheet is exact across the stop', async () => {
    await using apura = await Installation.start();
    const { client } = apura;
    await client.openPoll('loaded');
    const server = ['--url', apura.url, '--token', apura.token, '--poll', 'loaded'];
    const rate = ['--rate', '3000', '--duration', '4s', '--json'];
    const load = startApura(['load', ...server, ...rate]);
    await waitUntil('votes come in', async () => (await client.counts('loaded')).total > 1_000);
    expect(await apura.serving.kill('SIGTERM')).toBe(0);
    // At rest, and let go in order: nothing is left to be recovered.
    expect(await apura.audit()).toMatchObject({ exitCode: 0, balanced: true });
    await apura.restart();
    const { exitCode, stdout, stderr } = await load.ended;
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ exact: true, sent: 12_000, accepted: 12_000 });
    expect(exitCode).toBe(0);
  });

  test('tells viewers that the server goes away, and ends', async () => {
    await using apura = await Installation.start();
    const { client } = apura;
    await client.openPoll('watched');
    using viewer = new LiveViewer(apura.url, '/v1/polls/watched/live');
    using operator = new LiveViewer(apura.url, '/v1/console/live', apura.token);
    for (const watcher of [viewer, operator]) {
      await watcher.message('the hello', ({ type }) => type === 'hello');
    }
    expect(await apura.serving.kill('SIGTERM')).toBe(0);
    for (const watcher of [viewer, operator]) {
      await waitUntil('the socket is closed', () => watcher.closeCode !== null);
      expect(watcher.closeCode).toBe(1001);
    }
  });

  test('before anything was done ends as well', async () => {
    await using apura = await Installation.start();
    expect(await apura.serving.kill('SIGINT')).toBe(0);
  });
});
