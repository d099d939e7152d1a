/** What every role that runs apart shares: opening with patience, the installation's logs, a report a second. */
import { randomBytes } from 'node:crypto';
import type { Config } from '../../config/config.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DoorReport, ProcessReports } from '../../ports/process-reports.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Engines, LogPlace } from '../engines.ts';
import { repeat } from '../event-loop.ts';
import { firstPartitions } from '../first-partitions.ts';
import { newLogSettings } from '../new-log.ts';
import { sleep } from '../sleep.ts';

/** A role as it runs: what its command waits for. */
export interface RunningRole {
  readonly url: string;
  /** Of gRPC; left out where this process has none. */
  readonly grpcUrl?: string;
  readonly durability: string;
  /** Of the installation's logs, oldest first. */
  readonly logIds: readonly string[];
  /** Resolves where the process has to end by itself. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
}

/** What each role is started with. */
export interface RoleContext {
  readonly config: Config;
  readonly engines: Engines;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborts when the process is told to stop while it still waits for a server. */
  readonly signal: AbortSignal;
}

const OPEN_RETRY_MS = 1_000;
const REPORT_MS = 1_000;

/** Servers that are not there yet, or not there just now: a role waits for them, whichever starts first. */
const AWAY: ReadonlySet<string> = new Set(['store_unavailable', 'log_unavailable']);

/**
 * Opens something on a server, for as long as it takes the server to be there.
 *
 * @throws what `open` threw, where no waiting can mend that, or where the role is told to stop.
 */
export async function openPatiently<T>(
  { logger, signal }: Pick<RoleContext, 'logger' | 'signal'>,
  what: string,
  open: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await open();
    } catch (error) {
      const isAway = error instanceof ApuraError && AWAY.has(error.code);
      if (!isAway || signal.aborted) throw error;
      logger.warn({ err: error, what }, 'not there yet, trying again');
      await sleep(OPEN_RETRY_MS, signal);
    }
  }
}

/**
 * The installation's logs, oldest first; the first one is made where there is none.
 *
 * APURA_PARTITIONS says how many partitions the first log gets. After that it must name what some log
 * has, as a guard against another installation's stores; not the newest, or no process could be
 * started again after `apura grow` without a change of all settings.
 *
 * @throws ApuraError `invalid_config`: no log has as many partitions as APURA_PARTITIONS says.
 */
export async function logPlaces(
  { config }: Pick<RoleContext, 'config'>,
  catalogue: Pick<Catalogue, 'mintLogSettings' | 'logs'>,
): Promise<readonly LogPlace[]> {
  const { partitions } = config;
  await catalogue.mintLogSettings(newLogSettings(firstPartitions(config)));
  const logs = await catalogue.logs();
  const numbers = logs.map((log) => log.partitions);
  if (partitions !== null && !numbers.includes(partitions)) {
    throw new ApuraError(
      'invalid_config',
      `APURA_PARTITIONS is ${partitions}, but the installation's logs have ${numbers.join(', ')}: ` +
        'their number is fixed for the life of a log (apura grow makes a new one).',
    );
  }
  return logs.map((settings, generation) => ({ settings, generation }));
}

export interface ProcessFigures {
  /** Why the process is not ready; null where it is. */
  readonly trouble: string | null;
  readonly door: DoorReport | null;
  readonly lagMs: number | null;
}

/**
 * Tells the consoles of this process once a second, and its log whenever it ceases to be ready or is so
 * again. `endSecond` gives its figures of that second.
 */
export function reportProcess(
  { clock, logger }: RoleContext,
  role: string,
  reports: ProcessReports,
  endSecond: (seconds: number) => ProcessFigures,
): () => Promise<void> {
  const name = `${role}-${randomBytes(3).toString('hex')}`;
  let at = clock.monotonic();
  let cpu = process.cpuUsage();
  let trouble: string | null = null;
  const tell = (): void => {
    const now = clock.monotonic();
    const seconds = Math.max(0.001, (now - at) / 1000);
    at = now;
    const used = process.cpuUsage(cpu);
    cpu = process.cpuUsage();
    const figures = endSecond(seconds);
    if (figures.trouble !== trouble) {
      trouble = figures.trouble;
      if (trouble === null) logger.warn('ready again');
      else logger.warn({ trouble }, 'not ready');
    }
    reports.publish({
      name,
      role,
      at: clock.now(),
      rssBytes: process.memoryUsage.rss(),
      cpuPercent: Math.round((used.user + used.system) / 1e4 / seconds),
      ...figures,
    });
  };
  return repeat(REPORT_MS, tell, (err) => logger.warn({ err }, 'a report was not told'));
}
