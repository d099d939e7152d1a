/**
 * The changes of a live tally on Redis, as the scripts publish them. Redis passes a message on once, to
 * who is connected at that moment: every new connection therefore begins with a gap.
 */
import { ApuraError } from '../../domain/errors.ts';
import type { PartitionCounts } from '../../ports/store-step.ts';
import type { TallyChanges, TallyChangesListener } from '../../ports/tally-changes.ts';
import { decodeChange } from './change-message.ts';
import { parseRedisAddress, type RedisAddress } from './redis-address.ts';
import { connectRedis, type RedisClient, storeError } from './redis-client.ts';
import { RedisSubscription } from './redis-subscription.ts';
import { READ } from './scripts.ts';
import { decodePartition, numberOf } from './tally-codec.ts';
import { changesChannel, namePrefix, PARTITION_KEYS, partitionKeys } from './tally-keys.ts';

export interface RedisTallyChangesOptions {
  /** As of the live tally. */
  readonly url: string;
  readonly logId: string;
  readonly partitions: number;
  /** As of the live tally. */
  readonly keyPrefix?: string;
  /** How long a question may take. */
  readonly commandTimeoutMs?: number;
}

interface Scripts {
  apuraRead(...keys: string[]): Promise<unknown>;
}

/**
 * Connects for reading. Each subscription has a connection of its own.
 *
 * @throws ApuraError `store_unavailable`: nobody answers at the address.
 * @throws ApuraError `invalid_config`: the address is none.
 */
export async function openRedisTallyChanges(
  options: RedisTallyChangesOptions,
): Promise<TallyChanges> {
  const address = parseRedisAddress(options.url);
  const client = await connectRedis(address, options.commandTimeoutMs);
  client.defineCommand('apuraRead', { numberOfKeys: PARTITION_KEYS, lua: READ });
  return new RedisTallyChanges(client, address, options);
}

class RedisTallyChanges implements TallyChanges {
  readonly #client: RedisClient;
  readonly #scripts: Scripts;
  readonly #address: RedisAddress;
  readonly #channel: string;
  readonly #keys: readonly (readonly string[])[];
  readonly #subscriptions = new Set<RedisSubscription>();
  #closed = false;

  constructor(client: RedisClient, address: RedisAddress, options: RedisTallyChangesOptions) {
    const { logId, partitions } = options;
    const prefix = namePrefix(address, options.keyPrefix);
    this.#client = client;
    this.#scripts = client as unknown as Scripts;
    this.#address = address;
    this.#channel = changesChannel(prefix, logId);
    this.#keys = Array.from({ length: partitions }, (_, partition) =>
      partitionKeys(prefix, logId, partition),
    );
  }

  async subscribe(listener: TallyChangesListener): Promise<Disposable> {
    const subscription = await RedisSubscription.open({
      address: this.#address,
      channel: this.#channel,
      onMessage: (text) => {
        const message = decodeChange(text);
        if (message.kind === 'change') listener.onChange(message.change);
        else listener.onGap(message.partition === null ? null : [message.partition]);
      },
      onBack: () => listener.onGap(null),
    });
    this.#subscriptions.add(subscription);
    if (this.#closed) subscription[Symbol.dispose]();
    return {
      [Symbol.dispose]: () => {
        this.#subscriptions.delete(subscription);
        subscription[Symbol.dispose]();
      },
    };
  }

  async read(partition: number): Promise<PartitionCounts> {
    const keys = this.#keys[partition];
    if (keys === undefined) {
      throw new ApuraError('internal', `There is no partition ${partition}.`);
    }
    try {
      return decodePartition(await this.#scripts.apuraRead(...keys));
    } catch (error) {
      throw storeError(error);
    }
  }

  async positions(): Promise<readonly number[]> {
    try {
      // Sent at once, answered one after another: one round trip, in a cluster one a node.
      const replies = await Promise.all(
        this.#keys.map(([state = '']) => this.#client.hget(state, 'nextOffset')),
      );
      return replies.map((offset) => (offset === null ? 0 : numberOf(offset)));
    } catch (error) {
      throw storeError(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const subscription of this.#subscriptions) subscription[Symbol.dispose]();
    this.#client.disconnect();
  }
}
