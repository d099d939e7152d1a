/**
 * Sends blocks to streams and learns what became of each. RabbitMQ confirms a message that it had no
 * queue for as it confirms a stored one, so every message is sent as mandatory: what comes back was
 * not stored.
 */
import type { ConfirmChannel } from 'amqplib';
import { ApuraError } from '../../domain/errors.ts';
import { type RabbitmqConnection, silent } from './connection.ts';
import {
  encodePublish,
  type Message,
  type PublishingChannel,
  publishingChannel,
} from './publish-frames.ts';

/**
 * - `stored`: confirmed.
 * - `returned`: there is no such stream; nothing was stored.
 * - `unknown`: refused, or the connection was lost first.
 */
export type SendOutcome = 'stored' | 'returned' | 'unknown';

/** How much may wait for its confirmation; what comes on top waits for room. */
const OUTSTANDING_BYTES_MAX = 32 * 1024 * 1024;
/** How long an append waits for room, or for an alarm to pass, before it is refused. */
const ROOM_WAIT_MS = 2_000;
/** How long a confirmation may take before the connection counts as lost. */
const CONFIRM_TIMEOUT_MS = 20_000;

export class AppendChannel implements Disposable {
  readonly #connection: RabbitmqConnection;
  readonly #subscription: Disposable;
  readonly #returned = new Set<string>();
  readonly #waiting = new Set<() => void>();
  #channel: PublishingChannel | null = null;
  #outstandingBytes = 0;

  constructor(connection: RabbitmqConnection) {
    this.#connection = connection;
    this.#subscription = connection.subscribe(() => {
      if (!connection.isUp) this.#channel = null;
      else this.ready().catch(() => {});
      this.#wake();
    });
  }

  /**
   * Opens the channel where there is none.
   *
   * @throws ApuraError `log_unavailable`
   */
  async ready(): Promise<void> {
    if (this.#channel !== null) return;
    const channel = await this.#open();
    const publishing = publishingChannel(channel);
    // Several may have asked at once: the first that was opened is everyone's.
    if (this.#channel !== null) {
      channel.close().catch(() => {});
      return;
    }
    channel.on('return', ({ properties }) => this.#returned.add(String(properties.messageId)));
    channel.on('close', () => {
      if (this.#channel === publishing) this.#channel = null;
      this.#wake();
    });
    this.#channel = publishing;
    this.#wake();
  }

  /**
   * Waits until a send of so many bytes may begin.
   *
   * @throws ApuraError `log_unavailable`: not connected, or no room for too long.
   */
  async room(bytes: number): Promise<void> {
    const deadline = performance.now() + ROOM_WAIT_MS;
    for (;;) {
      await this.ready();
      const { blocked } = this.#connection;
      const fits =
        this.#outstandingBytes === 0 || this.#outstandingBytes + bytes <= OUTSTANDING_BYTES_MAX;
      if (this.#channel !== null && blocked === null && fits) return;
      const left = deadline - performance.now();
      if (left <= 0) {
        const why = blocked === null ? 'it confirms too slowly' : `it takes no blocks: ${blocked}`;
        throw new ApuraError('log_unavailable', `RabbitMQ: ${why}`);
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, left);
      this.#waiting.add(resolve);
      await promise;
      clearTimeout(timer);
      this.#waiting.delete(resolve);
    }
  }

  /** Sends the blocks in their order, without a pause between `room` and this; never rejects. */
  send(blocks: readonly Message[]): Promise<readonly SendOutcome[]> {
    const channel = this.#channel;
    if (channel === null) return Promise.resolve(blocks.map(() => 'returned' as const));
    const { promise, resolve } = Promise.withResolvers<readonly SendOutcome[]>();
    const outcomes = blocks.map((): SendOutcome => 'unknown');
    try {
      channel.write(encodePublish(channel.number, channel.frameBytesMax, blocks));
    } catch {
      // The channel has closed since.
      return Promise.resolve(outcomes);
    }
    const timer = setTimeout(() => {
      this.#connection.reset(`no confirmation within ${CONFIRM_TIMEOUT_MS} ms`);
    }, CONFIRM_TIMEOUT_MS);
    let left = blocks.length;
    blocks.forEach(({ id, bytes }, at) => {
      this.#outstandingBytes += bytes.length;
      channel.awaitConfirm((failure) => {
        const returned = this.#returned.delete(id);
        if (failure === null) outcomes[at] = returned ? 'returned' : 'stored';
        this.#outstandingBytes -= bytes.length;
        if (this.#waiting.size > 0) this.#wake();
        left -= 1;
        if (left > 0) return;
        clearTimeout(timer);
        resolve(outcomes);
      });
    });
    return promise;
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
    this.#wake();
  }

  async #open(): Promise<ConfirmChannel> {
    try {
      return silent(await this.#connection.model().createConfirmChannel());
    } catch (cause) {
      throw this.#connection.unavailable(cause);
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
