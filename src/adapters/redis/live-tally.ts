/**
 * The live tally on Redis: each partition's counts, books and position in one hash slot, moved by one
 * script a step. A Redis that lost its newest writes, was flushed or was replaced stands at an earlier
 * position, and says so itself: the worker finds its step misaligned and goes on from there.
 */
import { Redis } from 'ioredis';
import { type Checkpoint, START } from '../../domain/counting/checkpoint.ts';
import { LANES } from '../../domain/counting/lane.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { LiveTally, TallyReplacement, TallyStep } from '../../ports/live-tally.ts';
import type {
  ActMark,
  Books,
  CloseMark,
  CommitOutcome,
  MinuteCount,
  PartitionCounts,
  StepBase,
  Takeover,
} from '../../ports/store-step.ts';
import { COMMIT, READ, REPLACE, TAKE_OVER } from './scripts.ts';

export interface RedisLiveTallyOptions {
  /** `redis://[user:password@]host:port[/db]`, or `rediss://`. */
  readonly url: string;
  /** The log that the tally belongs to. */
  readonly logId: string;
  /** Begins every key; installations that share a database need one each. */
  readonly keyPrefix?: string;
  /** How long a command may take before its outcome counts as unknown. */
  readonly commandTimeoutMs?: number;
}

const KEY_PREFIX = 'apura';
const COMMAND_TIMEOUT_MS = 5_000;
const RECONNECT_MS_MAX = 2_000;
const KEYS = ['state', 'counts', 'books', 'closes', 'acts', 'met'] as const;
const OUTCOMES = ['applied', 'already-applied', 'misaligned', 'fenced'] as const;
const BOOKS = ['logged', 'counted', 'duplicate', 'expired', 'late', 'voided'] as const;

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
 */
export async function openRedisLiveTally(options: RedisLiveTallyOptions): Promise<LiveTally> {
  const prefix = options.keyPrefix ?? KEY_PREFIX;
  const client = new Redis(options.url, {
    lazyConnect: true,
    // A command whose connection broke has an unknown outcome: who sent it must ask, not the client.
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: options.commandTimeoutMs ?? COMMAND_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(attempt * 100, RECONNECT_MS_MAX),
  });
  // Every command reports its own failure; the client's event would end the process.
  client.on('error', () => {});
  const define = (name: string, lua: string): void =>
    client.defineCommand(name, { numberOfKeys: KEYS.length, lua });
  define('apuraTakeOver', TAKE_OVER);
  define('apuraCommit', COMMIT);
  define('apuraReplace', REPLACE);
  define('apuraRead', READ);
  try {
    await client.connect();
    await checkSettings(client);
    const owner = `${prefix}:log`;
    await client.set(owner, options.logId, 'NX');
    const bound = await client.get(owner);
    if (bound !== options.logId) {
      throw new ApuraError(
        'log_mismatch',
        `The keys under ${prefix} belong to the log ${bound}, not to ${options.logId}.`,
      );
    }
    return new RedisLiveTally(client, `${prefix}:${options.logId}`);
  } catch (error) {
    client.disconnect();
    throw asStoreError(error);
  }
}

async function checkSettings(client: Redis): Promise<void> {
  const reply = await client.config('GET', 'maxmemory-policy').catch(() => null);
  // Managed servers hide CONFIG; what they were set to is then their operator's word.
  if (!Array.isArray(reply) || reply.length < 2) return;
  if (reply[1] !== 'noeviction') {
    throw new ApuraError(
      'durability_refused',
      `Redis has maxmemory-policy ${String(reply[1])}: set it to noeviction, or counts vanish.`,
    );
  }
}

class RedisLiveTally implements LiveTally {
  readonly #client: Redis;
  readonly #scripts: Scripts;
  readonly #prefix: string;
  #closed = false;

  constructor(client: Redis, prefix: string) {
    this.#client = client;
    this.#scripts = client as unknown as Scripts;
    this.#prefix = prefix;
  }

  async takeOver(partition: number): Promise<Takeover> {
    const reply = listOf(await this.#ask('apuraTakeOver', partition));
    const [epoch, state, closes, acts] = reply;
    return {
      epoch: numberOf(epoch),
      checkpoint: checkpointOf(pairsOf(state)),
      closes: [...pairsOf(closes)].map(
        ([scope, offset]): CloseMark => ({ scope, offset: numberOf(offset) }),
      ),
      acts: listOf(acts).map(actOf),
    };
  }

  async commit(step: TallyStep): Promise<CommitOutcome> {
    const { partition, epoch, from, checkpoint } = step;
    const outcome = await this.#ask(
      'apuraCommit',
      partition,
      String(epoch),
      String(from),
      ...positionOf(checkpoint),
      contentOf(step),
    );
    const known = OUTCOMES.find((one) => one === outcome);
    if (known === undefined) throw unexpected(outcome);
    return known;
  }

  async read(partition: number): Promise<PartitionCounts> {
    const [state, counts, books] = listOf(await this.#ask('apuraRead', partition));
    return {
      checkpoint: checkpointOf(pairsOf(state)),
      counts: [...pairsOf(counts)]
        .filter(([, count]) => count !== '0')
        .map(([field, count]) => countOf(field, count)),
      books: booksOf(pairsOf(books)),
    };
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
      ...positionOf(replacement.checkpoint),
      contentOf(replacement),
    );
    return replaced === 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#client.disconnect();
  }

  async #ask(script: keyof Scripts, partition: number, ...args: string[]): Promise<unknown> {
    // The braces keep a partition's keys in one slot of a cluster.
    const keys = KEYS.map((name) => `{${this.#prefix}:${partition}}:${name}`);
    try {
      return await this.#scripts[script](...keys, ...args);
    } catch (error) {
      throw asStoreError(error);
    }
  }
}

function positionOf(checkpoint: Checkpoint): string[] {
  const { nextOffset, logTime, windowStartOffset, lastBlockCrc } = checkpoint;
  return [nextOffset, logTime, windowStartOffset, lastBlockCrc].map(String);
}

type Content = Pick<StepBase, 'counts' | 'books' | 'closes' | 'acts'>;

/** The content as the scripts read it. Equal fields are added up here: a script sums each once. */
function contentOf({ counts, books, closes, acts }: Content): string {
  const sums = new Map<string, number>();
  for (const { scope, item, lane, minute, count } of counts) {
    const field = JSON.stringify([scope, item, lane, minute]);
    sums.set(field, (sums.get(field) ?? 0) + count);
  }
  const bookSums = new Map<string, number>();
  for (const entry of books) {
    for (const book of BOOKS) {
      const field = JSON.stringify([entry.scope, book]);
      bookSums.set(field, (bookSums.get(field) ?? 0) + entry[book]);
    }
  }
  const texts = (entries: Map<string, number>): string[][] =>
    [...entries].map(([field, number]) => [field, String(number)]);
  return JSON.stringify({
    counts: texts(sums),
    books: texts(bookSums),
    closes: closes.map(({ scope, offset }) => [scope, String(offset)]),
    acts: acts.map((act) => [JSON.stringify([act.actId, act.target]), JSON.stringify(act)]),
  });
}

function checkpointOf(state: ReadonlyMap<string, string>): Checkpoint {
  if (!state.has('nextOffset')) return START;
  return {
    nextOffset: numberOf(state.get('nextOffset')),
    logTime: numberOf(state.get('logTime')),
    windowStartOffset: numberOf(state.get('windowStartOffset')),
    lastBlockCrc: numberOf(state.get('lastBlockCrc')),
  };
}

function countOf(field: string, count: string): MinuteCount {
  const [scope, item, lane, minute] = fieldOf(field);
  const known = LANES.find((one) => one === lane);
  if (typeof scope !== 'string' || typeof item !== 'string' || known === undefined) {
    throw unexpected(field);
  }
  return { scope, item, lane: known, minute: numberOf(minute), count: numberOf(count) };
}

function booksOf(fields: ReadonlyMap<string, string>): Books[] {
  const scopes = new Map<string, Record<string, number>>();
  for (const [field, number] of fields) {
    const [scope, book] = fieldOf(field);
    if (typeof scope !== 'string' || typeof book !== 'string') throw unexpected(field);
    const entry = scopes.get(scope) ?? {};
    entry[book] = numberOf(number);
    scopes.set(scope, entry);
  }
  return [...scopes].map(([scope, entry]) => {
    const of = (book: (typeof BOOKS)[number]): number => entry[book] ?? 0;
    return {
      scope,
      logged: of('logged'),
      counted: of('counted'),
      duplicate: of('duplicate'),
      expired: of('expired'),
      late: of('late'),
      voided: of('voided'),
    };
  });
}

function actOf(text: unknown): ActMark {
  if (typeof text !== 'string') throw unexpected(text);
  const act: unknown = JSON.parse(text);
  if (typeof act !== 'object' || act === null || !('actId' in act)) throw unexpected(text);
  return act as ActMark;
}

function fieldOf(field: string): unknown[] {
  const parts: unknown = JSON.parse(field);
  if (!Array.isArray(parts)) throw unexpected(field);
  return parts;
}

function listOf(reply: unknown): unknown[] {
  if (!Array.isArray(reply)) throw unexpected(reply);
  return reply;
}

/** A hash as Redis lists it: field, value, field, value. */
function pairsOf(reply: unknown): Map<string, string> {
  const flat = listOf(reply).map(String);
  const pairs = new Map<string, string>();
  for (let index = 0; index + 1 < flat.length; index += 2) {
    pairs.set(flat[index] ?? '', flat[index + 1] ?? '');
  }
  return pairs;
}

function numberOf(value: unknown): number {
  const number = Number(value);
  if (value === undefined || value === '' || !Number.isSafeInteger(number)) throw unexpected(value);
  return number;
}

function unexpected(value: unknown): ApuraError {
  return new ApuraError('store_corrupt', `Redis holds ${String(value)}, which Apura never writes.`);
}

function asStoreError(cause: unknown): unknown {
  if (cause instanceof ApuraError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.includes('APURA_CORRUPT')
    ? new ApuraError('store_corrupt', message, { cause })
    : new ApuraError('store_unavailable', `Redis: ${message}`, { cause });
}
