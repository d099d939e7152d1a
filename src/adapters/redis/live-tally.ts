/**
 * The live tally on Redis: each partition's counts, books and position in one hash slot, moved by one
 * script a step. A Redis that lost its newest writes, was flushed or was replaced stands at an earlier
 * position, and says so itself: the worker finds its step misaligned and goes on from there.
 */
import { ApuraError } from '../../domain/errors.ts';
import type { LiveTally, TallyReplacement, TallyStep } from '../../ports/live-tally.ts';
import type { CommitOutcome, PartitionCounts, Takeover } from '../../ports/store-step.ts';
import { encodeGap, encodeHead } from './change-message.ts';
import { parseRedisAddress } from './redis-address.ts';
import { connectRedis, type RedisClient, storeError } from './redis-client.ts';
import { COMMIT, READ, REPLACE, TAKE_OVER } from './scripts.ts';
import {
  decodePartition,
  decodeTakeover,
  encodeCounts,
  encodePosition,
  encodeRest,
  unexpected,
} from './tally-codec.ts';
import {
  changesChannel,
  namePrefix,
  ownerKey,
  PARTITION_KEYS,
  partitionKeys,
} from './tally-keys.ts';

export interface RedisLiveTallyOptions {
  /** See redis-address.ts: a server, or nodes of a cluster. */
  readonly url: string;
  /** The log that the tally belongs to. */
  readonly logId: string;
  /** Begins every name, behind the address's own prefix; installations that share a server need one each. */
  readonly keyPrefix?: string;
  /** How long a command may take before its outcome counts as unknown. */
  readonly commandTimeoutMs?: number;
}

const OUTCOMES = ['applied', 'already-applied', 'misaligned', 'fenced'] as const;

/** The scripts, as commands of the client; each is sent by its digest. */
interface Scripts {
  apuraTakeOver(...args: string[]): Promise<unknown>;
  apuraCommit(...args: string[]): Promise<unknown>;
  apuraReplace(...args: string[]): Promise<unknown>;
  apuraRead(...args: string[]): Promise<unknown>;
}

/**
 * Connects, checks the server's settings and ties the database to the log.
 *
 * @throws ApuraError `log_mismatch`: the keys belong to another log.
 * @throws ApuraError `durability_refused`: the server may evict keys, which would drop counts.
 * @throws ApuraError `store_unavailable`: nobody answers at the address.
 * @throws ApuraError `invalid_config`: the address is none.
 */
export async function openRedisLiveTally(options: RedisLiveTallyOptions): Promise<LiveTally> {
  const address = parseRedisAddress(options.url);
  const prefix = namePrefix(address, options.keyPrefix);
  const client = await connectRedis(address, options.commandTimeoutMs);
  const define = (name: string, lua: string): void =>
    client.defineCommand(name, { numberOfKeys: PARTITION_KEYS, lua });
  define('apuraTakeOver', TAKE_OVER);
  define('apuraCommit', COMMIT);
  define('apuraReplace', REPLACE);
  define('apuraRead', READ);
  try {
    await checkSettings(client);
    const owner = ownerKey(prefix);
    await client.set(owner, options.logId, 'NX');
    const bound = await client.get(owner);
    if (bound !== options.logId) {
      throw new ApuraError(
        'log_mismatch',
        `The keys under ${prefix} belong to the log ${bound}, not to ${options.logId}.`,
      );
    }
    return new RedisLiveTally(client, prefix, options.logId);
  } catch (error) {
    client.disconnect();
    throw storeError(error);
  }
}

async function checkSettings(client: RedisClient): Promise<void> {
  for (const node of 'nodes' in client ? client.nodes('master') : [client]) {
    const reply = await node.config('GET', 'maxmemory-policy').catch(() => null);
    // Managed servers hide CONFIG; what they were set to is then their operator's word.
    if (!Array.isArray(reply) || reply.length < 2) continue;
    if (reply[1] !== 'noeviction') {
      throw new ApuraError(
        'durability_refused',
        `Redis has maxmemory-policy ${String(reply[1])}: set it to noeviction, or counts vanish.`,
      );
    }
  }
}

class RedisLiveTally implements LiveTally {
  readonly #client: RedisClient;
  readonly #scripts: Scripts;
  readonly #prefix: string;
  readonly #logId: string;
  readonly #channel: string;
  #closed = false;

  constructor(client: RedisClient, prefix: string, logId: string) {
    this.#client = client;
    this.#scripts = client as unknown as Scripts;
    this.#prefix = prefix;
    this.#logId = logId;
    this.#channel = changesChannel(prefix, logId);
  }

  async takeOver(partition: number): Promise<Takeover> {
    return decodeTakeover(await this.#ask('apuraTakeOver', partition));
  }

  async commit(step: TallyStep): Promise<CommitOutcome> {
    const { partition, epoch, from, checkpoint } = step;
    const outcome = await this.#ask(
      'apuraCommit',
      partition,
      String(epoch),
      String(from),
      ...encodePosition(checkpoint),
      encodeCounts(step.counts),
      encodeRest(step),
      this.#channel,
      encodeGap(partition),
      encodeHead({ ...step, nextOffset: checkpoint.nextOffset }),
    );
    const known = OUTCOMES.find((one) => one === outcome);
    if (known === undefined) throw unexpected(outcome);
    return known;
  }

  async read(partition: number): Promise<PartitionCounts> {
    return decodePartition(await this.#ask('apuraRead', partition));
  }

  async replace(
    partition: number,
    expectedNextOffset: number,
    replacement: TallyReplacement,
  ): Promise<boolean> {
    const replaced = await this.#ask(
      'apuraReplace',
      partition,
      '',
      String(expectedNextOffset),
      ...encodePosition(replacement.checkpoint),
      encodeCounts(replacement.counts),
      encodeRest(replacement),
      this.#channel,
      encodeGap(partition),
    );
    return replaced === 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#client.disconnect();
  }

  async #ask(script: keyof Scripts, partition: number, ...args: string[]): Promise<unknown> {
    const keys = partitionKeys(this.#prefix, this.#logId, partition);
    try {
      return await this.#scripts[script](...keys, ...args);
    } catch (error) {
      throw storeError(error);
    }
  }
}
