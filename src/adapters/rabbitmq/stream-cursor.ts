/** Follows one stream from an offset on: RabbitMQ sends ahead what a reader takes when it likes. */
import type { Channel, ConsumeMessage } from 'amqplib';
import { ApuraError } from '../../domain/errors.ts';
import type { LoggedBlock } from '../../ports/event-log.ts';
import { closeChannel, consumeStream, type RabbitmqConnection } from './connection.ts';
import { offsetOf, streamError } from './stream-probe.ts';

/** What RabbitMQ may send beyond what is acknowledged; it finishes a chunk that it has begun. */
const PREFETCH_BLOCKS = 32;
/** Below this, what arrives is acknowledged at once; above, when it is taken. */
const AHEAD_BYTES_MAX = 2 * 1024 * 1024;

/**
 * Blocks that are left without their acknowledgement, of those before the first that is wanted too.
 * RabbitMQ looks at the stream's end whenever it is given one, which is how the end is asked for.
 */
const RESERVED_BLOCKS = 8;

/** What stands where RabbitMQ has put a record of its own among the blocks. */
export type Filler = () => Uint8Array;

export class StreamCursor implements Disposable {
  /** Whether it is known to have been given all that stood in the stream when it was opened. */
  caughtUp = false;
  usedAt = performance.now();
  readonly #channel: Channel;
  readonly #queue: string;
  readonly #filler: Filler;
  readonly #listeners = new Set<() => void>();
  #buffer: LoggedBlock[] = [];
  #bufferBytes = 0;
  /** The first offset that is wanted. */
  readonly #from: number;
  /** The offset of the next block to be taken, and of the next to arrive. */
  #position: number;
  #arrival: number;
  #arrived = false;
  /** In their order; more than the reserve only until they are acknowledged. */
  #unacknowledged: ConsumeMessage[] = [];
  #ackAsked = false;
  #failure: ApuraError | null = null;

  private constructor(channel: Channel, queue: string, from: number, filler: Filler) {
    this.#channel = channel;
    this.#queue = queue;
    this.#from = from;
    this.#position = from;
    this.#arrival = from;
    this.#filler = filler;
  }

  /** `from` must not lie beyond the end: RabbitMQ would leave out what is appended up to there. */
  static async open(
    connection: RabbitmqConnection,
    queue: string,
    from: number,
    filler: Filler,
  ): Promise<StreamCursor> {
    const channel = await connection.openChannel();
    try {
      const cursor = new StreamCursor(channel, queue, from, filler);
      channel.on('close', () => {
        cursor.#fail(new ApuraError('log_unavailable', `RabbitMQ ended the reading of ${queue}.`));
      });
      await channel.prefetch(PREFETCH_BLOCKS);
      const start = Math.max(0, from - RESERVED_BLOCKS);
      await consumeStream(channel, queue, start, (message) => cursor.#take(message));
      return cursor;
    } catch (error) {
      void closeChannel(channel);
      throw streamError(connection, queue, error);
    }
  }

  get position(): number {
    return this.#position;
  }

  /** One past the last block that has arrived. */
  get arrival(): number {
    return this.#arrival;
  }

  get hasBlocks(): boolean {
    return this.#buffer.length > 0;
  }

  get failure(): ApuraError | null {
    return this.#failure;
  }

  /** Whether a read from this offset goes on here. */
  covers(from: number): boolean {
    return this.#failure === null && this.#position <= from && from <= this.#arrival;
  }

  /** Calls back when blocks have arrived or it has failed. */
  subscribe(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Drops what has arrived below `from`. */
  skipTo(from: number): void {
    const count = from - this.#position;
    for (const { bytes } of this.#buffer.splice(0, count)) this.#bufferBytes -= bytes.length;
    this.#position = from;
    this.#askAck();
  }

  /** Blocks that have arrived, about `maxBytes` of them, at least one where there is one. */
  take(maxBytes: number): readonly LoggedBlock[] {
    let size = 0;
    let count = 0;
    for (const { bytes } of this.#buffer) {
      if (count > 0 && size + bytes.length > maxBytes) break;
      size += bytes.length;
      count += 1;
    }
    const taken = this.#buffer.splice(0, count);
    this.#bufferBytes -= size;
    this.#position += count;
    this.#askAck();
    return taken;
  }

  /** Resolves when all has arrived that stood in the stream before the call. */
  async barrier(): Promise<void> {
    try {
      const [oldest, ...others] = this.#unacknowledged;
      if (oldest !== undefined) {
        this.#unacknowledged = others;
        // The channel reads up to the end on this, and answers the next call behind what it found.
        this.#channel.ack(oldest, true);
        await this.#channel.prefetch(PREFETCH_BLOCKS);
        return;
      }
      // Asks the stream's writer, which has by its answer told the channel of all that is there.
      const tag = await consumeStream(this.#channel, this.#queue, 'next', () => {});
      await this.#channel.cancel(tag);
    } catch (cause) {
      throw new ApuraError('log_unavailable', `RabbitMQ ended the reading of ${this.#queue}.`, {
        cause,
      });
    }
  }

  /** Gives up the reserve, before RabbitMQ takes it for a consumer that hangs. */
  release(): void {
    const newest = this.#unacknowledged.at(-1);
    if (newest === undefined || this.#failure !== null || this.hasBlocks) return;
    this.#unacknowledged = [];
    this.#ack(newest);
  }

  [Symbol.dispose](): void {
    this.#fail(new ApuraError('log_unavailable', `The reading of ${this.#queue} was given up.`));
    void closeChannel(this.#channel);
  }

  #take(message: ConsumeMessage | null): void {
    if (this.#failure !== null) return;
    if (message === null) {
      this.#fail(new ApuraError('log_unavailable', `The stream ${this.#queue} was deleted.`));
      void closeChannel(this.#channel);
      return;
    }
    this.#unacknowledged.push(message);
    const offset = offsetOf(message);
    if (offset < this.#from) {
      this.#arrived = true;
      this.#askAck();
      return;
    }
    const missing = offset - this.#arrival;
    if (missing < 0 || missing > 1) {
      const [code, what] =
        missing > 1 && !this.#arrived
          ? (['log_trimmed', `starts at ${offset}, not at ${this.#arrival}`] as const)
          : (['log_corrupt', `goes on at ${offset}, not at ${this.#arrival}`] as const);
      this.#fail(new ApuraError(code, `The stream ${this.#queue} ${what}.`));
      void closeChannel(this.#channel);
      return;
    }
    // A stream begins each of its files with a record of RabbitMQ's own, which takes an offset and is
    // shown to nobody.
    if (missing === 1) this.#add(this.#filler());
    this.#add(message.content);
    this.#askAck();
    for (const listener of [...this.#listeners]) listener();
  }

  #add(bytes: Uint8Array): void {
    this.#buffer.push({ offset: this.#arrival, bytes });
    this.#bufferBytes += bytes.length;
    this.#arrival += 1;
    this.#arrived = true;
  }

  /** Acknowledges once for all that one packet has brought. */
  #askAck(): void {
    if (this.#ackAsked) return;
    this.#ackAsked = true;
    queueMicrotask(() => {
      this.#ackAsked = false;
      if (this.#failure !== null || this.#bufferBytes > AHEAD_BYTES_MAX) return;
      const surplus = this.#unacknowledged.splice(
        0,
        Math.max(0, this.#unacknowledged.length - RESERVED_BLOCKS),
      );
      const newest = surplus.at(-1);
      if (newest !== undefined) this.#ack(newest);
    });
  }

  #ack(message: ConsumeMessage): void {
    try {
      this.#channel.ack(message, true);
    } catch {
      // The channel is closing; its event follows.
    }
  }

  #fail(failure: ApuraError): void {
    if (this.#failure !== null) return;
    this.#failure = failure;
    for (const listener of [...this.#listeners]) listener();
  }
}
