/** Reads a log's streams: keeps a cursor where each reader stands, and proves the end where it must. */
import { CONTROL_BLOCK_PARTITION, encodeTimeMark } from '../../domain/counting/block.ts';
import { ApuraError } from '../../domain/errors.ts';
import {
  CONTROL_PARTITION,
  type LogBounds,
  type LoggedBlock,
  type LogPosition,
} from '../../ports/event-log.ts';
import type { RabbitmqConnection } from './connection.ts';
import { StreamCursor } from './stream-cursor.ts';
import { StreamProbe } from './stream-probe.ts';

/** Readers of one partition that stand at different places; one more takes the longest unused. */
const CURSORS_MAX = 3;
/** How long blocks that are known to be there may be on their way. */
const ARRIVAL_TIMEOUT_MS = 5_000;
/** How long a copy of a stream may be behind the one that a reader read before. */
const COPY_LAG_MS = 10_000;
const ASK_AGAIN_MS = 100;
/** RabbitMQ gives a consumer 30 min to acknowledge what it was sent. */
const RELEASE_MS = 5 * 60_000;

interface Partition {
  readonly queue: string;
  readonly number: number;
  readonly cursors: Set<StreamCursor>;
  /** The end lies here or above, as this connection has seen. */
  seenEnd: number;
  /** One read at a time. */
  turn: Promise<unknown>;
}

export interface StreamReaderOptions {
  readonly connection: RabbitmqConnection;
  /** From the control partition on. */
  readonly queues: ReadonlyMap<number, string>;
  readonly replicas: number;
}

export class StreamReader implements Disposable {
  readonly #connection: RabbitmqConnection;
  readonly #probe: StreamProbe;
  readonly #partitions: ReadonlyMap<number, Partition>;
  readonly #replicas: number;
  readonly #subscription: Disposable;
  readonly #listeners = new Set<() => void>();
  readonly #releasing: Timer;

  constructor({ connection, queues, replicas }: StreamReaderOptions) {
    this.#connection = connection;
    this.#replicas = replicas;
    this.#probe = new StreamProbe(connection);
    this.#partitions = new Map(
      [...queues].map(([number, queue]) => [
        number,
        { queue, number, cursors: new Set(), seenEnd: 0, turn: Promise.resolve() },
      ]),
    );
    this.#releasing = setInterval(() => {
      for (const { cursors } of this.#partitions.values()) {
        for (const cursor of cursors) cursor.release();
      }
    }, RELEASE_MS);
    this.#subscription = connection.subscribe(() => {
      // What comes back may be another's, or an older one: nothing is known of it yet.
      if (!connection.isUp)
        for (const partition of this.#partitions.values()) this.#forget(partition);
      this.#wake();
    });
  }

  async read(number: number, from: number, maxBytes: number): Promise<readonly LoggedBlock[]> {
    const partition = this.#partition(number);
    return this.#inTurn(partition, async () => {
      const cursor = await this.#cursor(partition, from);
      if (!cursor.hasBlocks) await this.#settle(partition, cursor);
      if (!cursor.hasBlocks && cursor.failure !== null) throw cursor.failure;
      return cursor.take(maxBytes);
    });
  }

  async bounds(number: number): Promise<LogBounds> {
    const partition = this.#partition(number);
    const bounds = await this.#probe.bounds(partition.queue);
    partition.seenEnd = bounds.end;
    return bounds;
  }

  /** Tells of a block that has this offset. */
  saw(number: number, offset: number): void {
    const partition = this.#partition(number);
    partition.seenEnd = Math.max(partition.seenEnd, offset + 1);
  }

  async changed(positions: readonly LogPosition[], signal: AbortSignal): Promise<void> {
    const watched = positions.map(({ partition, offset }) => ({
      partition: this.#partition(partition),
      offset,
    }));
    const { promise: aborted, resolve: abort } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => abort(), { once: true });
    while (!signal.aborted) {
      const { promise: woken, resolve: wake } = Promise.withResolvers<void>();
      const subscriptions = [this.#subscribe(wake)];
      try {
        for (const { partition, offset } of watched) {
          const cursor = await this.#watch(partition, offset);
          if (cursor === 'look-again') return;
          if (cursor !== null) subscriptions.push(cursor.subscribe(wake));
        }
        const hasGrown = watched.some(
          ({ partition, offset }) =>
            partition.seenEnd > offset ||
            partition.cursors.values().some((cursor) => cursor.arrival > offset),
        );
        if (hasGrown) return;
        await Promise.race([woken, aborted]);
      } finally {
        for (const subscription of subscriptions) subscription[Symbol.dispose]();
      }
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#releasing);
    this.#subscription[Symbol.dispose]();
    for (const partition of this.#partitions.values()) this.#forget(partition);
    this.#wake();
  }

  #partition(number: number): Partition {
    const partition = this.#partitions.get(number);
    if (partition === undefined) throw new RangeError(`The log has no partition ${number}`);
    return partition;
  }

  #inTurn<T>(partition: Partition, act: () => Promise<T>): Promise<T> {
    const result = partition.turn.then(act);
    partition.turn = result.catch(() => {});
    return result;
  }

  /** A cursor at the offset; null: there is no connection to have one on. */
  async #watch(partition: Partition, offset: number): Promise<StreamCursor | null | 'look-again'> {
    if (!this.#connection.isUp) return null;
    try {
      return await this.#inTurn(partition, () => this.#cursor(partition, offset));
    } catch {
      // Whoever looks again learns of it by the read.
      return this.#connection.isUp ? 'look-again' : null;
    }
  }

  async #cursor(partition: Partition, from: number): Promise<StreamCursor> {
    for (const cursor of partition.cursors) {
      if (cursor.failure !== null) this.#drop(partition, cursor);
    }
    const covering = partition.cursors.values().filter((cursor) => cursor.covers(from));
    const [known] = [...covering].sort((a, b) => b.position - a.position);
    if (known !== undefined) {
      known.skipTo(from);
      known.usedAt = performance.now();
      return known;
    }
    const provenEnd = await this.#proveEnd(partition, from);
    if (partition.cursors.size >= CURSORS_MAX) {
      const [oldest] = [...partition.cursors].sort((a, b) => a.usedAt - b.usedAt);
      if (oldest !== undefined) this.#drop(partition, oldest);
    }
    const { queue, number } = partition;
    const cursor = await StreamCursor.open(this.#connection, queue, from, () => fillerOf(number));
    // Where the end was proved to be here, there was nothing to be given.
    cursor.caughtUp = provenEnd === from;
    partition.cursors.add(cursor);
    return cursor;
  }

  /** The end, where it had to be asked for; null where `from` is known not to lie beyond it. */
  async #proveEnd(partition: Partition, from: number): Promise<number | null> {
    if (from <= partition.seenEnd) return null;
    const deadline = performance.now() + (this.#replicas > 1 ? COPY_LAG_MS : 0);
    for (;;) {
      const { end } = await this.#probe.bounds(partition.queue);
      partition.seenEnd = end;
      if (from <= end) return end;
      if (performance.now() >= deadline) {
        throw new ApuraError(
          'log_rewound',
          `Partition ${partition.number} ends at ${end}, before ${from}`,
        );
      }
      await Bun.sleep(ASK_AGAIN_MS);
    }
  }

  /** Waits until the cursor has blocks, or is known to be at the end. */
  async #settle(partition: Partition, cursor: StreamCursor): Promise<void> {
    if (cursor.caughtUp) {
      await cursor.barrier();
    } else {
      const { end } = await this.#probe.bounds(partition.queue);
      partition.seenEnd = Math.max(partition.seenEnd, end);
    }
    const deadline = performance.now() + ARRIVAL_TIMEOUT_MS;
    while (!cursor.hasBlocks && cursor.failure === null && partition.seenEnd > cursor.position) {
      const left = deadline - performance.now();
      if (left <= 0) {
        throw new ApuraError('log_unavailable', `RabbitMQ sends nothing of ${partition.queue}.`);
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, left);
      using _ = cursor.subscribe(resolve);
      await promise;
      clearTimeout(timer);
    }
    cursor.caughtUp = true;
  }

  #forget(partition: Partition): void {
    partition.seenEnd = 0;
    for (const cursor of partition.cursors) this.#drop(partition, cursor);
  }

  #drop(partition: Partition, cursor: StreamCursor): void {
    partition.cursors.delete(cursor);
    // Its stream may have been made anew: what was seen of it says nothing of the next.
    if (cursor.failure !== null) partition.seenEnd = 0;
    cursor[Symbol.dispose]();
  }

  #subscribe(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #wake(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

const NO_WRITER = { writerId: 0n, sequence: 0 };

/** A block that says nothing: the same at every reading, and without effect on any fold. */
function fillerOf(partition: number): Uint8Array {
  const written = partition === CONTROL_PARTITION ? CONTROL_BLOCK_PARTITION : partition;
  return encodeTimeMark(written, 0, NO_WRITER);
}
