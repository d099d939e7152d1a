/** Waits for a log's partitions to grow: one long poll a broker, whoever and however many wait. */
import type { LogPosition } from '../../ports/event-log.ts';
import type { Brokers } from './brokers.ts';
import type { PartitionRoutes } from './partition-routes.ts';
import { fetchPartitions } from './requests.ts';

/** How long a broker holds an answer back when nothing has come, ms. */
const POLL_MS = 500;
/** The first batch comes whole in any case, and one byte of it tells enough. */
const POLL_BYTES_MAX = 1;
/** Before looking again at a broker that failed, ms. */
const RETRY_PAUSE_MS = 200;
/** Polls under way at once to one broker, each with a connection of its own. */
const POLLS_MAX = 32;

type Sight = 'grown' | 'quiet' | 'failed';

export class Watcher {
  readonly #brokers: Brokers;
  readonly #routes: PartitionRoutes;
  /** Whoever asks the same while a poll is under way shares its answer. */
  readonly #polls = new Map<string, Promise<Sight>>();
  readonly #busySlots = new Map<number, Set<number>>();

  constructor(brokers: Brokers, routes: PartitionRoutes) {
    this.#brokers = brokers;
    this.#routes = routes;
  }

  /** As EventLog.changed. Resolves after a pause where a broker fails: `read` tells why. */
  async changed(positions: readonly LogPosition[], signal: AbortSignal): Promise<void> {
    for (const { partition } of positions) this.#routes.place(partition);
    const aborted = Promise.withResolvers<'aborted'>();
    const abort = (): void => aborted.resolve('aborted');
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      for (;;) {
        this.#routes.assertSame();
        const polls = this.#byLeader(positions).map(([leader, part]) => this.#poll(leader, part));
        // All say "quiet" at about the same time; the first that says more ends the wait.
        const loud = polls.map(async (poll) => ((await poll) === 'quiet' ? never() : await poll));
        const quiet =
          polls.length === 0 ? never() : Promise.all(polls).then(() => 'quiet' as const);
        const sight = await Promise.race([aborted.promise, ...loud, quiet]);
        if (sight === 'quiet') continue;
        if (sight === 'failed') {
          await Promise.race([aborted.promise, this.#routes.refresh()]);
          await Promise.race([aborted.promise, Bun.sleep(RETRY_PAUSE_MS)]);
        }
        return;
      }
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Positions by broker; those without a leader under null. */
  #byLeader(positions: readonly LogPosition[]): [number | null, LogPosition[]][] {
    const groups = new Map<number | null, LogPosition[]>();
    for (const position of positions) {
      const leader = this.#routes.leader(position.partition);
      const group = groups.get(leader) ?? [];
      group.push(position);
      groups.set(leader, group);
    }
    return [...groups];
  }

  #poll(leader: number | null, positions: readonly LogPosition[]): Promise<Sight> {
    if (leader === null) return Promise.resolve('failed');
    const at = positions.map(({ partition, offset }) => `${partition}:${offset}`);
    const key = `${leader} ${at.toSorted().join(' ')}`;
    const known = this.#polls.get(key);
    if (known !== undefined) return known;
    const poll = this.#fetch(leader, positions).finally(() => this.#polls.delete(key));
    this.#polls.set(key, poll);
    return poll;
  }

  async #fetch(leader: number, positions: readonly LogPosition[]): Promise<Sight> {
    const busy = this.#busySlots.get(leader) ?? new Set();
    this.#busySlots.set(leader, busy);
    if (busy.size >= POLLS_MAX) return 'failed';
    let slot = 0;
    while (busy.has(slot)) slot += 1;
    busy.add(slot);
    try {
      const connection = await this.#brokers.connection(leader, `watch ${slot}`);
      const wanted = positions.map(({ partition, offset }) => ({
        ...this.#routes.place(partition),
        offset,
      }));
      const bounds = {
        waitMs: POLL_MS,
        partitionBytesMax: POLL_BYTES_MAX,
        bytesMax: POLL_BYTES_MAX,
      };
      const { error, partitions } = await fetchPartitions(connection, wanted, bounds);
      if (error !== 0 || partitions.some((partition) => partition.error !== 0)) return 'failed';
      return partitions.some(({ records }) => records.length > 0) ? 'grown' : 'quiet';
    } catch {
      return 'failed';
    } finally {
      busy.delete(slot);
    }
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}
