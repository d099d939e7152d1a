/**
 * Sees the offsets of appended blocks. RabbitMQ's confirmations do not tell them, so the streams' tails
 * are followed while somebody wants to know, and the blocks are known again by their ids.
 */
import type { Channel, ConsumeMessage } from 'amqplib';
import { ApuraError } from '../../domain/errors.ts';
import { closeChannel, consumeStream, type RabbitmqConnection } from './connection.ts';
import { offsetOf, streamError } from './stream-probe.ts';

const PREFETCH_BLOCKS = 64;
/** A confirmed block is shown at once, or something is wrong. */
const SIGHT_TIMEOUT_MS = 5_000;
/** A tail that nobody has asked for in this time is followed no longer. */
const IDLE_MS = 5_000;

interface Tail {
  readonly channel: Channel;
  readonly wanted: Map<string, (offset: number) => void>;
  usedAt: number;
}

export class AppendSight implements Disposable {
  readonly #connection: RabbitmqConnection;
  readonly #tails = new Map<string, Promise<Tail>>();
  readonly #sweep: Timer;

  constructor(connection: RabbitmqConnection) {
    this.#connection = connection;
    this.#sweep = setInterval(() => void this.#dropIdle(), IDLE_MS);
  }

  /**
   * Begins to look out for a block of this id. To be awaited before the block is sent.
   *
   * @throws ApuraError `log_unavailable`
   */
  async expect(queue: string, id: string): Promise<Sighting> {
    const tail = await this.#tail(queue);
    tail.usedAt = performance.now();
    const { promise, resolve } = Promise.withResolvers<number | null>();
    tail.wanted.set(id, resolve);
    const lost = (): void => resolve(null);
    tail.channel.once('close', lost);
    return {
      async offset() {
        const timer = setTimeout(lost, SIGHT_TIMEOUT_MS);
        const offset = await promise;
        clearTimeout(timer);
        if (offset !== null) return offset;
        throw new ApuraError('append_unknown', `RabbitMQ does not show a block of ${queue}.`);
      },
      [Symbol.dispose]() {
        tail.wanted.delete(id);
        tail.channel.off('close', lost);
      },
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#sweep);
    this.#tails.clear();
  }

  #tail(queue: string): Promise<Tail> {
    const known = this.#tails.get(queue);
    if (known !== undefined) return known;
    const opening = this.#open(queue);
    this.#tails.set(queue, opening);
    const forget = (): void => {
      if (this.#tails.get(queue) === opening) this.#tails.delete(queue);
    };
    opening.then(({ channel }) => channel.once('close', forget), forget);
    return opening;
  }

  async #open(queue: string): Promise<Tail> {
    const channel = await this.#connection.openChannel();
    // Each append that waits listens for the channel's end.
    channel.setMaxListeners(0);
    const tail: Tail = { channel, wanted: new Map(), usedAt: performance.now() };
    try {
      await channel.prefetch(PREFETCH_BLOCKS);
      await consumeStream(channel, queue, 'next', (message) => see(tail, message));
      // The answer to a consume comes before the place in the stream is taken; the next answer, after.
      await channel.prefetch(PREFETCH_BLOCKS);
      return tail;
    } catch (error) {
      void closeChannel(channel);
      throw streamError(this.#connection, queue, error);
    }
  }

  async #dropIdle(): Promise<void> {
    for (const [queue, opening] of this.#tails) {
      const tail = await opening.catch(() => null);
      if (tail === null || tail.wanted.size > 0) continue;
      if (performance.now() - tail.usedAt < IDLE_MS) continue;
      this.#tails.delete(queue);
      await closeChannel(tail.channel);
    }
  }
}

/** One block that is looked out for. */
export interface Sighting extends Disposable {
  /** @throws ApuraError `append_unknown`: the block was not seen. */
  offset(): Promise<number>;
}

function see(tail: Tail, message: ConsumeMessage | null): void {
  if (message === null) {
    void closeChannel(tail.channel);
    return;
  }
  tail.wanted.get(String(message.properties.messageId))?.(offsetOf(message));
  tail.channel.ack(message);
}
