/** Results as they are shown: never backwards, never behind without saying so, always adding up. */
import { describe, expect, test } from 'bun:test';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiClient, Json, PollCounts } from '../support/api-client.ts';
import { Installation } from '../support/installation.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { runApura } from '../support/serve.ts';
import { waitUntil } from '../support/wait-until.ts';

const RESTARTS = 5;

/** Does a task again and again, also while the server is away, until `stop`. */
function again(task: () => Promise<unknown>): { stop(): Promise<void> } {
  let over = false;
  const running = (async () => {
    while (!over) await task().catch(() => Bun.sleep(1));
  })();
  return {
    stop() {
      over = true;
      return running;
    },
  };
}

/** Asks for the poll's counts without a pause, and keeps the answers in their order. */
function watch(client: ApiClient, poll: string) {
  const shown: PollCounts[] = [];
  const watcher = again(async () => shown.push(await client.counts(poll)));
  return { shown, stop: watcher.stop };
}

describe('results', () => {
  test('never go backwards, over kills and new starts', async () => {
    const random = new SeededRandom();
    console.log(`results over restarts: SEED=${random.seed}`);
    await using apura = await Installation.start();
    const { client } = apura;
    await client.openPoll('upward');
    const watcher = watch(client, 'upward');
    const voters = Array.from({ length: 4 }, () => again(() => client.vote('upward', 'a')));
    for (let restart = 0; restart < RESTARTS; restart += 1) {
      const enough = (watcher.shown.at(-1)?.total ?? 0) + 1 + random.below(300);
      await waitUntil(`${enough} votes are shown`, () => {
        return (watcher.shown.at(-1)?.total ?? 0) >= enough;
      });
      await apura.crash();
    }
    await Promise.all([watcher, ...voters].map((running) => running.stop()));

    let before = { version: 0, total: 0 };
    for (const now of watcher.shown) {
      expect(now.version).toBeGreaterThanOrEqual(before.version);
      expect(now.total).toBeGreaterThanOrEqual(before.total);
      before = now;
    }
  });

  test('that are behind what was counted before say that they are stale', async () => {
    await using apura = await Installation.start();
    const { client, dataDir } = apura;
    await client.openPoll('restored');
    await client.votes('restored', 'a', 20);
    await client.drained();
    await apura.serving.kill('SIGTERM');
    const tally = join(dataDir, 'tally.db');
    copyFileSync(tally, `${tally}.old`);
    await apura.restart();
    const load = ['--poll', 'restored', '--rate', '5000', '--duration', '2s', '--no-check'];
    await runApura(['load', '--url', apura.url, '--token', apura.token, ...load]);
    const counted = await client.countsAtRest('restored');
    await apura.kill();

    // As if the tally alone came back from an old copy.
    copyFileSync(`${tally}.old`, tally);
    for (const suffix of ['-wal', '-shm']) rmSync(tally + suffix, { force: true });
    const watcher = watch(client, 'restored');
    await apura.restart();
    expect(await client.countsAtRest('restored')).toEqual(counted);
    await watcher.stop();
    for (const { total, stale } of watcher.shown) {
      if (total < counted.total) expect(stale).toBe(true);
    }
  });

  test('by hours and by steps of time sum to the totals', async () => {
    await using apura = await Installation.start({ env: { APURA_PARTITIONS: '3' } });
    const { client } = apura;
    await client.openPoll('sums');
    await client.votes('sums', 'a', 31);
    await client.votes('sums', 'b', 11);
    const { votes, total } = await client.countsAtRest('sums');
    expect(votes).toEqual({ a: 31, b: 11 });
    const series = [
      ['hours', 'hourly'],
      ['points', 'timeseries?step=1m'],
      ['points', 'timeseries?step=5m'],
      ['points', 'timeseries?step=1h'],
    ] as const;
    for (const [windows, path] of series) {
      const { json } = await client.mustBe(200, `/v1/polls/sums/results/${path}`);
      const rows = json[windows] as readonly { total: number; options: Json }[];
      const sumOf = (option: string): number =>
        rows.reduce((sum, { options }) => sum + Number(options[option] ?? 0), 0);
      expect({ a: sumOf('a'), b: sumOf('b') }).toEqual({ a: 31, b: 11 });
      expect(rows.reduce((sum, row) => sum + row.total, 0)).toBe(total);
    }
    const hours = await client.exportOf('sums', 'hourly');
    expect(hours.reduce((sum, hour) => sum + Number(hour.total), 0)).toBe(total);
  });
});
