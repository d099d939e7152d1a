/**
 * One store's worker with a core of its own: follows a filled log to its end as the thread of `serve`
 * does, and tells how long it took. Arguments: tally or ledger, the data folder, and the address of the
 * Redis that holds the tally, if one does.
 */

import { openRedisLiveTally } from '../src/adapters/redis/live-tally.ts';
import { readLogSettings } from '../src/adapters/sqlite/catalogue.ts';
import { openSqliteLogReader } from '../src/adapters/sqlite/event-log.ts';
import { openSqliteLedger } from '../src/adapters/sqlite/ledger.ts';
import { openSqliteLiveTally } from '../src/adapters/sqlite/live-tally.ts';
import {
  PartitionFollower,
  type StepCollector,
  type StepStore,
} from '../src/application/counting/partition-follower.ts';
import { LedgerCollector, TallyCollector } from '../src/application/counting/step-collectors.ts';
import { dataPaths } from '../src/compose/data-folder.ts';
import type { StepBase } from '../src/ports/store-step.ts';
import type { FollowedLog } from './followed-log.ts';

/** As in src/threads. */
const TALLY_STEP_BYTES = 4 << 20;
const LEDGER_STEP_BYTES = 512 << 10;

const [store = '', folder = '', redisUrl = ''] = process.argv.slice(2);
const paths = dataPaths(folder);
const settings = readLogSettings(paths.catalogue);
if (settings === null) throw new Error(`There is no log in ${folder}.`);
const { logId, partitions, dedupWindowMs } = settings;

async function follow<Step extends StepBase>(
  target: StepStore<Step>,
  collector: () => StepCollector<Step>,
  stepBytes: number,
): Promise<FollowedLog> {
  await using log = openSqliteLogReader({ path: paths.log, logId, partitions });
  const follower = new PartitionFollower<Step>({
    log,
    store: target,
    partition: 0,
    dedupWindowMs,
    seed: 1,
    collector,
  });
  const rssBefore = process.memoryUsage.rss();
  const startedAt = performance.now();
  let steps = 0;
  let counted = 0;
  let duplicate = 0;
  for (;;) {
    const advance = await follower.advance(stepBytes);
    if (advance.kind === 'idle') break;
    steps += 1;
    for (const books of advance.step.books) {
      counted += books.counted;
      duplicate += books.duplicate;
    }
  }
  return {
    elapsedMs: performance.now() - startedAt,
    steps,
    counted,
    duplicate,
    windowIds: follower.windowSize,
    rssGrowth: process.memoryUsage.rss() - rssBefore,
  };
}

let followed: FollowedLog;
if (store === 'tally') {
  await using tally =
    redisUrl === ''
      ? openSqliteLiveTally({ path: paths.tally, logId })
      : await openRedisLiveTally({ url: redisUrl, logId });
  followed = await follow(tally, () => new TallyCollector(), TALLY_STEP_BYTES);
} else {
  await using ledger = openSqliteLedger({ path: paths.ledger, logId });
  followed = await follow(ledger, () => new LedgerCollector(), LEDGER_STEP_BYTES);
}
console.log(JSON.stringify(followed));
