/**
 * Sends blocks to streams and learns what became of each. RabbitMQ confirms a message that it had no
 * queue for as it confirms a stored one, so every message is sent as mandatory: what comes back was
 * not stored.
 */
import type { ConfirmChannel } from 'amqplib';
import { ApuraError } from '../../domain/errors.ts';
import { type RabbitmqConnection, silent } from './connection.ts';

/**
 * - `stored`: confirmed.
 * - `returned`: there is no such stream; nothing was stored.
 * - `unknown`: refused, or the connection was lost first.
 */
export type SendOutcome = 'stored' | 'returned' | 'unknown';

export interface OutgoingBlock {
  readonly queue: string;
  readonly id: string;
  readonly bytes: Uint8Array;
}

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
  #channel: ConfirmChannel | null = null;
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
    // Several may have asked at once: the first that was opened is everyone's.
    if (this.#channel !== null) {
      channel.close().catch(() => {});
      return;
    }
    channel.on('return', ({ properties }) => this.#returned.add(String(properties.messageId)));
    channel.on('close', () => {
      if (this.#channel === channel) this.#channel = null;
      this.#wake();
    });
    this.#channel = channel;
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
  send(blocks: readonly OutgoingBlock[]): Promise<readonly SendOutcome[]> {
    const channel = this.#channel;
    if (channel === null) return Promise.resolve(blocks.map(() => 'returned' as const));
    const timer = setTimeout(() => {
      this.#connection.reset(`no confirmation within ${CONFIRM_TIMEOUT_MS} ms`);
    }, CONFIRM_TIMEOUT_MS);
    const sent = blocks.map((block) => this.#sendOne(channel, block));
    return Promise.all(sent).finally(() => clearTimeout(timer));
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

  #sendOne(channel: ConfirmChannel, { queue, id, bytes }: OutgoingBlock): Promise<SendOutcome> {
    const { promise, resolve } = Promise.withResolvers<SendOutcome>();
    const size = bytes.length;
    this.#outstandingBytes += size;
    const settle = (outcome: SendOutcome): void => {
      this.#outstandingBytes -= size;
      if (this.#waiting.size > 0) this.#wake();
      resolve(outcome);
    };
    try {
      // The client copies the bytes before this returns.
      const content = Buffer.from(bytes.buffer, bytes.byteOffset, size);
      const options = { persistent: true, mandatory: true, messageId: id };
      channel.publish('', queue, content, options, (failure: unknown) => {
        const returned = this.#returned.delete(id);
        if (failure !== null) settle('unknown');
        else settle(returned ? 'returned' : 'stored');
      });
    } catch {
      // The channel has closed since; what of this call went out before is settled by its own end.
      settle('unknown');
    }
    return promise;
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
