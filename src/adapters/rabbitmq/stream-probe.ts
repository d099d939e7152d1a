/**
 * Finds the bounds of a stream. RabbitMQ tells nobody how long a stream is (the count of a declare is
 * some seconds old), so the first and the last of its chunks are looked at.
 */
import type { Channel, ConsumeMessage } from 'amqplib';
import { ApuraError } from '../../domain/errors.ts';
import type { LogBounds } from '../../ports/event-log.ts';
import { closeChannel, consumeStream, type RabbitmqConnection, replyCode } from './connection.ts';

export class StreamProbe {
  readonly #connection: RabbitmqConnection;
  #channel: Channel | null = null;
  /** One look at a time: each has the channel to itself. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(connection: RabbitmqConnection) {
    this.#connection = connection;
  }

  /**
   * The bounds at a moment between call and answer: nothing is missed that was confirmed before.
   *
   * @throws ApuraError `log_unavailable`: not connected, or there is no such stream.
   */
  async bounds(queue: string): Promise<LogBounds> {
    const { first, last } = await this.#next(() => this.#look(queue));
    return last === null ? { start: 0, end: 0 } : { start: first ?? 0, end: last + 1 };
  }

  #next<T>(look: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(look);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #look(queue: string): Promise<{ first: number | null; last: number | null }> {
    try {
      const channel = await this.#open();
      let first: number | null = null;
      let last: number | null = null;
      const fromFirst = await consume(channel, queue, 'first', (offset) => {
        first ??= offset;
      });
      const fromLast = await consume(channel, queue, 'last', (offset) => {
        last = offset;
      });
      // Asks the stream's writer, which has by its answer told the channel of what the first two are
      // to be given. Their cancellation is behind that on the channel, its answer behind their blocks.
      const barrier = await consume(channel, queue, 'next', () => {});
      await Promise.all([fromFirst, fromLast, barrier].map((tag) => channel.cancel(tag)));
      channel.ackAll();
      return { first, last };
    } catch (error) {
      if (this.#channel !== null) void closeChannel(this.#channel);
      this.#channel = null;
      throw streamError(this.#connection, queue, error);
    }
  }

  async #open(): Promise<Channel> {
    if (this.#channel !== null) return this.#channel;
    const channel = await this.#connection.openChannel();
    channel.on('close', () => {
      if (this.#channel === channel) this.#channel = null;
    });
    // One chunk and no more is sent to a consumer that takes one message.
    await channel.prefetch(1);
    this.#channel = channel;
    return channel;
  }
}

async function consume(
  channel: Channel,
  queue: string,
  from: 'first' | 'last' | 'next',
  take: (offset: number) => void,
): Promise<string> {
  return consumeStream(channel, queue, from, (message) => {
    if (message !== null) take(offsetOf(message));
  });
}

export function offsetOf(message: ConsumeMessage): number {
  const offset = Number(message.properties.headers?.['x-stream-offset']);
  if (Number.isSafeInteger(offset)) return offset;
  throw new ApuraError('log_corrupt', 'RabbitMQ sent a block without its offset.');
}

/** What the failure of a look into a stream means to who asked. */
export function streamError(
  connection: RabbitmqConnection,
  queue: string,
  cause: unknown,
): ApuraError {
  if (replyCode(cause) === 404) {
    return new ApuraError('log_unavailable', `RabbitMQ has no stream ${queue}.`, { cause });
  }
  // A node without a copy of the stream: another has one.
  if (replyCode(cause) === 406) connection.reset(`the node has no copy of ${queue}`);
  return connection.unavailable(cause);
}
