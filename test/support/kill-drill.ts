/**
 * The kill drill: votes at a steady rate, with retries, while the server is killed again and again at
 * random moments, also while it recovers from the last one. After each kill the books are audited; at
 * the end the balance sheet compares every single id.
 */
import { rmSync } from 'node:fs';
import { ApiClient } from './api-client.ts';
import { auditOf, temporaryFolder } from './installation.ts';
import type { SeededRandom } from './seeded-random.ts';
import { launchServe, type RunningServe, startApura, startServe } from './serve.ts';
import { waitUntil } from './wait-until.ts';

export interface KillDrillOptions {
  readonly kills: number;
  readonly partitions: number;
  readonly ratePerSecond: number;
  /** Decides when each kill comes. */
  readonly random: SeededRandom;
  /** An empty folder to work in, which is left as it is; a temporary one, removed, if absent. */
  readonly dataDir?: string;
  /** Told after each kill and its audit. */
  readonly onKill?: (kill: number) => void;
}

/** What a drill without a fault came to. */
export interface KillDrillReport {
  /** All kills, of which `killsInStart` came before the process was ready. */
  readonly kills: number;
  readonly killsInStart: number;
  readonly sent: number;
  readonly accepted: number;
  readonly unknown: number;
  /** Tries beyond the first. */
  readonly retries: number;
  /** Connections that kills have cut. */
  readonly lostConnections: number;
  /** Votes that the log holds more than once: tries that were logged, but whose answer was lost. */
  readonly duplicates: number;
  readonly counted: number;
  /** From the start of the process to its word that it is ready, the longest and the median, ms. */
  readonly readyMsMax: number;
  readonly readyMsMedian: number;
}

const POLL = 'drill';
/** A kill comes this long after the server is ready again. */
const KILL_AFTER_MS = [200, 2_000] as const;
/** One kill in so many comes while the server starts, this long after its process has. */
const KILLS_A_START_KILL = 4;
const KILL_START_AFTER_MS = [10, 400] as const;
/** Longer than any drill: the load ends when it is told to. */
const LOAD_DURATION = '30m';
/** A machine that has other things to do takes fewer votes a second than it is sent. */
const SENT_AGAIN_MS_MAX = 240_000;

/** Runs one drill on a new installation. @throws at the first fault, with what it was. */
export async function killDrill(options: KillDrillOptions): Promise<KillDrillReport> {
  if (options.dataDir !== undefined) return await drill(options.dataDir, options);
  const dataDir = temporaryFolder();
  try {
    return await drill(dataDir, options);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function drill(dataDir: string, options: KillDrillOptions): Promise<KillDrillReport> {
  const { kills, partitions, ratePerSecond, random, onKill } = options;
  let serving: RunningServe = await startServe({
    dataDir,
    env: { APURA_PARTITIONS: String(partitions) },
  });
  const client = new ApiClient(() => serving);
  let load: ReturnType<typeof startApura> | null = null;
  try {
    await client.openPoll(POLL);
    const { port, url, token } = serving;
    const readyMs: number[] = [];
    const restart = async (): Promise<void> => {
      serving = await startServe({ dataDir, port });
      readyMs.push(serving.readyMs);
    };
    const server = ['--url', url, '--token', token, '--poll', POLL];
    const rate = ['--rate', String(ratePerSecond), '--duration', LOAD_DURATION];
    load = startApura(['load', ...server, ...rate, '--json']);
    await waitUntil('votes come in', async () => (await client.counts(POLL)).total > 0);

    let killsInStart = 0;
    for (let kill = 1; kill <= kills; kill += 1) {
      if (kill % KILLS_A_START_KILL === 0) {
        await serving.kill('SIGKILL');
        const starting = launchServe({ dataDir, port });
        await Bun.sleep(random.between(...KILL_START_AFTER_MS));
        await starting.kill();
        killsInStart += 1;
      } else {
        await Bun.sleep(random.between(...KILL_AFTER_MS));
        await serving.kill('SIGKILL');
      }
      await mustBalance(dataDir, `after kill ${kill}`);
      await restart();
      onKill?.(kill);
    }

    const seen = await client.metric('apura_votes_accepted_total');
    await waitUntil(
      'what was unknown was sent again',
      async () => (await client.metric('apura_votes_accepted_total')) > seen + 6 * ratePerSecond,
      SENT_AGAIN_MS_MAX,
    );
    process.kill(load.pid, 'SIGINT');
    const sheet = readSheet(await load.ended);
    await client.drained();
    await serving.kill('SIGKILL');
    const { counted, duplicates } = await mustBalance(dataDir, 'at the end');
    if (counted !== sheet.counted) {
      throw new Error(`The audit counts ${counted} votes, the balance sheet ${sheet.counted}.`);
    }
    readyMs.sort((a, b) => a - b);
    return {
      ...sheet,
      kills,
      killsInStart,
      duplicates,
      readyMsMax: Math.round(readyMs.at(-1) ?? 0),
      readyMsMedian: Math.round(readyMs[readyMs.length >> 1] ?? 0),
    };
  } finally {
    if (load !== null) stopIfRunning(load.pid);
    await serving.kill('SIGKILL');
  }
}

/** Audits the folder; resolves to the log's books of the poll, summed over partitions. */
async function mustBalance(dataDir: string, when: string) {
  const { exitCode, balanced, partitions, stderr } = await auditOf(dataDir);
  if (exitCode !== 0 || !balanced) {
    throw new Error(`The audit ${when} found: ${stderr}${JSON.stringify(partitions)}`);
  }
  let counted = 0;
  let duplicates = 0;
  for (const { books } of partitions) {
    for (const book of books) {
      counted += book.counted;
      duplicates += book.duplicate;
    }
  }
  return { counted, duplicates };
}

interface LoadSheet {
  readonly sent: number;
  readonly accepted: number;
  readonly unknown: number;
  readonly retries: number;
  readonly lostConnections: number;
  readonly counted: number;
}

/** @throws where the load's balance sheet is not exact. */
function readSheet({
  exitCode,
  stdout,
  stderr,
}: Awaited<ReturnType<typeof startApura>['ended']>): LoadSheet {
  if (exitCode !== 0) throw new Error(`apura load ended with ${exitCode}: ${stderr}${stdout}`);
  const report = JSON.parse(stdout);
  if (report.exact !== true) throw new Error(`The balance sheet is not exact: ${stdout}`);
  const { sent, accepted, unknown, tries, connectionFailures, balance } = report;
  return {
    sent,
    accepted,
    unknown,
    retries: tries - sent,
    lostConnections: connectionFailures.lost ?? 0,
    counted: balance.countedAccepted + balance.countedUnknown,
  };
}

function stopIfRunning(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
