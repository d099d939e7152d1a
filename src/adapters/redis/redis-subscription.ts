/**
 * A subscription to one channel that outlives its connections: whenever it had to be made anew it says
 * so, for what was published in between is lost.
 */
import type { Redis } from 'ioredis';
import type { RedisAddress } from './redis-address.ts';
import { COMMAND_TIMEOUT_MS, nodeClient, reconnectPauseMs, storeError } from './redis-client.ts';

export interface RedisSubscriptionOptions {
  readonly address: RedisAddress;
  readonly channel: string;
  readonly onMessage: (message: string) => void;
  /** Subscribed again after a loss: messages may have been missed. */
  readonly onBack: () => void;
}

/** A connection that died without a word is found within this and a command's timeout. */
const PING_MS = 2_000;

export class RedisSubscription implements Disposable {
  readonly #options: RedisSubscriptionOptions;
  #client: Redis | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #node = 0;
  #attempt = 0;
  #closed = false;

  private constructor(options: RedisSubscriptionOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the server has confirmed the subscription.
   *
   * @throws ApuraError `store_unavailable`: none of the nodes answers.
   */
  static async open(options: RedisSubscriptionOptions): Promise<RedisSubscription> {
    const subscription = new RedisSubscription(options);
    let failure: unknown;
    for (const _ of options.address.nodes) {
      try {
        await subscription.#connect();
        return subscription;
      } catch (error) {
        failure = error;
      }
    }
    throw storeError(failure);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#client?.disconnect();
  }

  /** Subscribes at the next node: in a cluster each one passes on what any one publishes. */
  async #connect(): Promise<void> {
    const { address, channel, onMessage } = this.#options;
    const node = address.nodes[this.#node % address.nodes.length];
    this.#node += 1;
    if (node === undefined) return;
    const client = nodeClient(address, node, COMMAND_TIMEOUT_MS, null);
    this.#client = client;
    client.on('error', () => {});
    client.on('message', (_, message: string) => {
      if (!this.#closed) onMessage(message);
    });
    try {
      await client.connect();
      await client.subscribe(channel);
    } catch (error) {
      client.disconnect();
      throw error;
    }
    client.once('close', () => this.#lose(client));
    this.#attempt = 0;
    // Also finds a connection that closed before anybody listened.
    this.#watch(client);
  }

  #watch(client: Redis): void {
    this.#timer = setTimeout(() => {
      client.ping().then(
        () => {
          if (this.#client === client && !this.#closed) this.#watch(client);
        },
        () => {
          client.disconnect();
          this.#lose(client);
        },
      );
    }, PING_MS);
  }

  #lose(client: Redis): void {
    if (this.#client !== client) return;
    this.#client = null;
    this.#comeBack();
  }

  #comeBack(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#attempt += 1;
    this.#timer = setTimeout(() => {
      this.#connect().then(
        () => {
          if (this.#closed) this.#client?.disconnect();
          else this.#options.onBack();
        },
        () => this.#comeBack(),
      );
    }, reconnectPauseMs(this.#attempt));
  }
}
