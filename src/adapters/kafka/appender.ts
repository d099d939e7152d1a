/**
 * Appends to Kafka: what waits goes out together, one batch a partition and one request a broker, and
 * every call ends in what is known of it: appended, certainly not, or unknown.
 */
import { ApuraError } from '../../domain/errors.ts';
import type { PartitionBlock } from '../../ports/event-log.ts';
import {
  assertAppended,
  type Call,
  type Item,
  newCall,
  type Part,
  settle,
  turns,
} from './append-call.ts';
import { type Brokers, kafkaError, NotSentError } from './brokers.ts';
import type { PartitionRoutes } from './partition-routes.ts';
import { PRODUCE_BY_ID_VERSION, type Produced, produce } from './produce.ts';
import { BATCH_BYTES_MAX } from './topics.ts';

/** How long what certainly was not appended is tried again, ms: a leader's change takes less. */
const RETRY_MS = 3_000;
const RETRY_PAUSE_MS = 50;
/** How long a leader waits for its followers, ms; below the time in which a request must be answered. */
const PRODUCE_TIMEOUT_MS = 4_000;
/**
 * Requests under way to one broker, each with a connection of its own: a broker takes the next of a
 * connection only when it has answered the last, and its followers have to confirm each.
 */
const IN_FLIGHT_MAX = 4;
/**
 * Calls under way that serve a door. One node answers so soon that neither the gain of a second
 * (256 connections: 0.660 of a no-op against 0.643, single rounds 0.53 to 0.83) nor its CPU time
 * stands out of the noise; it is for brokers that wait for followers. A third showed no gain. Below
 * IN_FLIGHT_MAX, so that a control record or a time mark finds a connection free beside them.
 */
export const APPENDS_UNDER_WAY_MAX = 2;
/** Blocks that wait or are under way. Behind it the log is not keeping up, and says so. */
const QUEUE_BYTES_MAX = 128 * 1024 * 1024;
const REQUEST_BYTES_MAX = 16 * 1024 * 1024;

/** Nothing was appended, and another broker or moment may take it. */
const RETRIABLE = new Set([
  3, // UNKNOWN_TOPIC_OR_PARTITION
  5, // LEADER_NOT_AVAILABLE
  6, // NOT_LEADER_OR_FOLLOWER
  19, // NOT_ENOUGH_REPLICAS, found before the append
  100, // UNKNOWN_TOPIC_ID
]);
/** Nothing was appended, nor would be by trying again. */
const REFUSED = new Set([
  10, // MESSAGE_TOO_LARGE
  18, // RECORD_LIST_TOO_LARGE
  29, // TOPIC_AUTHORIZATION_FAILED
  31, // CLUSTER_AUTHORIZATION_FAILED
]);

/** Kafka's own for "the server does not know": here for an answer that leaves a partition out. */
const NO_ANSWER = -1;

/** Items that go to a partition as one batch. */
interface Batch {
  readonly partition: number;
  readonly items: Item[];
  bytes: number;
  /** The partition's end at least, as it was known before the request was sent. */
  readonly confirmed: number;
}

export class Appender {
  readonly #brokers: Brokers;
  readonly #routes: PartitionRoutes;
  /** The connections that are taken, by broker. */
  readonly #busy = new Map<number, Set<number>>();
  /** One past the last block that was confirmed, by partition. */
  readonly #ends = new Map<number, number>();
  #waiting: Item[] = [];
  #bytes = 0;
  #closed = false;

  constructor(brokers: Brokers, routes: PartitionRoutes) {
    this.#brokers = brokers;
    this.#routes = routes;
  }

  /** As EventLog.append. */
  async append(blocks: readonly PartitionBlock[]): Promise<readonly number[]> {
    this.#routes.assertSame();
    if (this.#closed) throw new ApuraError('log_unavailable', 'The log is closed');
    for (const { partition } of blocks) this.#routes.place(partition);
    const bytes = blocks.reduce((sum, block) => sum + block.bytes.length, 0);
    if (this.#bytes + bytes > QUEUE_BYTES_MAX) {
      throw new ApuraError('log_unavailable', 'Kafka does not keep up: too much waits for it');
    }
    const call = newCall(blocks.length);
    this.#bytes += bytes;
    try {
      for (const parts of turns(blocks)) {
        await this.#appendTurn(call, parts);
        this.#routes.assertSame();
        assertAppended(call);
      }
    } finally {
      this.#bytes -= bytes;
    }
    return call.offsets;
  }

  /** What waits is not sent any more, and what fails is not tried again. */
  close(): void {
    this.#closed = true;
    const cause = new Error('The log is closed');
    for (const item of this.#waiting.splice(0)) settle(item, { kind: 'nothing', cause });
  }

  /** Resolves once every part has its outcome. */
  #appendTurn(call: Call, parts: readonly Part[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    call.left = parts.length;
    call.turnEnded = resolve;
    const deadline = performance.now() + RETRY_MS;
    for (const part of parts) this.#waiting.push({ ...part, call, deadline });
    this.#flush();
    return promise;
  }

  /** Sends what waits to every broker that has room for another request. */
  #flush(): void {
    const requests = new Map<number, { batches: Map<number, Batch>; bytes: number }>();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const item of waiting) {
      const { partition, bytes } = item;
      const leader = this.#routes.leader(partition);
      if (leader === null) {
        this.#retry([item], new NotSentError(`Partition ${partition} has no leader now`));
        continue;
      }
      let request = requests.get(leader);
      const batch = request?.batches.get(partition);
      const hasRoom =
        (this.#busy.get(leader)?.size ?? 0) < IN_FLIGHT_MAX &&
        (batch === undefined || batch.bytes + bytes <= BATCH_BYTES_MAX) &&
        (request === undefined || request.bytes + bytes <= REQUEST_BYTES_MAX);
      if (!hasRoom) {
        this.#waiting.push(item);
        continue;
      }
      if (request === undefined) {
        request = { batches: new Map(), bytes: 0 };
        requests.set(leader, request);
      }
      request.bytes += bytes;
      if (batch === undefined) {
        const confirmed = this.#ends.get(partition) ?? 0;
        request.batches.set(partition, { partition, items: [item], bytes, confirmed });
      } else {
        batch.items.push(item);
        batch.bytes += bytes;
      }
    }
    for (const [leader, { batches }] of requests) void this.#send(leader, [...batches.values()]);
  }

  async #send(leader: number, batches: readonly Batch[]): Promise<void> {
    const busy = this.#busy.get(leader) ?? new Set();
    this.#busy.set(leader, busy);
    let slot = 0;
    while (busy.has(slot)) slot += 1;
    busy.add(slot);
    try {
      const connection = await this.#brokers.connection(leader, `append ${slot}`);
      const byId = (await this.#brokers.produceVersion(connection)) >= PRODUCE_BY_ID_VERSION;
      if (!connection.isConnected()) throw new NotSentError('The connection to Kafka broke');
      const wanted = batches.map(({ partition, items }) => {
        const { topic, index } = this.#routes.place(partition);
        const [first] = items;
        const blocks =
          items.length === 1 && first !== undefined
            ? first.blocks
            : items.flatMap((item) => item.blocks);
        return { topic, index, blocks };
      });
      const produced = await produce(connection, wanted, byId, PRODUCE_TIMEOUT_MS);
      batches.forEach((batch, at) => {
        this.#settle(batch, produced[at]);
      });
    } catch (cause) {
      const items = batches.flatMap((batch) => batch.items);
      if (cause instanceof NotSentError) this.#retry(items, cause);
      else for (const item of items) settle(item, { kind: 'unknown', cause });
      // What was lost may have been a leader.
      void this.#routes.refresh();
    } finally {
      busy.delete(slot);
      if (this.#waiting.length > 0) this.#flush();
    }
  }

  #settle({ partition, items, confirmed }: Batch, produced: Produced | undefined): void {
    const error = produced?.error ?? NO_ANSWER;
    if (produced !== undefined && error === 0) {
      if (produced.baseOffset < confirmed) {
        const words = `Partition ${partition} in Kafka has lost blocks that it had confirmed`;
        this.#routes.giveUp('log_rewound', words);
      }
      let base = produced.baseOffset;
      for (const item of items) {
        settle(item, { kind: 'appended', base });
        base += item.blocks.length;
      }
      this.#ends.set(partition, Math.max(base, this.#ends.get(partition) ?? 0));
      return;
    }
    const cause = new Error(`Kafka answers ${kafkaError(error)} for partition ${partition}`);
    if (RETRIABLE.has(error)) {
      this.#retry(items, cause);
      return;
    }
    const kind = REFUSED.has(error) ? 'nothing' : 'unknown';
    for (const item of items) settle(item, { kind, cause });
  }

  /** Only what certainly was not appended. */
  #retry(items: readonly Item[], cause: unknown): void {
    const now = this.#closed ? Number.POSITIVE_INFINITY : performance.now();
    const again = items.filter(({ deadline }) => deadline > now);
    for (const item of items) {
      if (item.deadline <= now) settle(item, { kind: 'nothing', cause });
    }
    if (again.length > 0) void this.#sendAgain(again);
  }

  async #sendAgain(items: readonly Item[]): Promise<void> {
    await this.#routes.refresh();
    try {
      this.#routes.assertSame();
    } catch (cause) {
      for (const item of items) settle(item, { kind: 'nothing', cause });
      return;
    }
    await Bun.sleep(RETRY_PAUSE_MS);
    this.#waiting.push(...items);
    this.#flush();
  }
}
