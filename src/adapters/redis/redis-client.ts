/**
 * Connections to Redis whose every command says itself what became of it: nothing is sent twice behind
 * the back of who sent it, and nothing waits for a server to come back.
 */
import { Cluster, Redis } from 'ioredis';
import { ApuraError } from '../../domain/errors.ts';
import type { RedisAddress, RedisNode } from './redis-address.ts';

export type RedisClient = Redis | Cluster;

/** How long a command may take before its outcome counts as unknown. */
export const COMMAND_TIMEOUT_MS = 5_000;
/** With nothing heard for so many commands' time a connection has died without a word: the next is made. */
const SILENT_TIMEOUTS_MAX = 2;
const RECONNECT_MS = 100;
const RECONNECT_MS_MAX = 2_000;

/** The pause before the next try to connect, ms. */
export function reconnectPauseMs(attempt: number): number {
  return Math.min(attempt * RECONNECT_MS, RECONNECT_MS_MAX);
}

/**
 * Connects to the server, or to all nodes of the cluster.
 *
 * @throws ApuraError `store_unavailable`: nobody answers at the address.
 */
export async function connectRedis(
  address: RedisAddress,
  commandTimeoutMs: number = COMMAND_TIMEOUT_MS,
): Promise<RedisClient> {
  const client = address.isCluster
    ? clusterOf(address, commandTimeoutMs)
    : nodeClient(address, firstOf(address.nodes), commandTimeoutMs, reconnectPauseMs);
  // Every command reports its own failure; the client's event would end the process. Of a connection
  // that does not come about, the event alone says why.
  let why: string | null = null;
  client.on('error', ({ message }: Error) => {
    why = message;
  });
  try {
    await client.connect();
    // A cluster connects to a node with the first command for it, and would refuse the second.
    if (client instanceof Cluster) await Promise.all(client.nodes('master').map(readyNode));
    return client;
  } catch (error) {
    client.disconnect();
    // The words alone: a login that was refused carries its password.
    throw storeError(why === null ? error : new Error(why));
  }
}

async function readyNode(node: Redis): Promise<void> {
  if (node.status === 'wait') return node.connect();
  if (node.status === 'ready') return;
  await new Promise<void>((resolve, reject) => {
    node.once('ready', resolve);
    node.once('close', () => reject(new Error('A node of the cluster closed the connection.')));
  });
}

/** One connection to one node, not connected yet. */
export function nodeClient(
  address: RedisAddress,
  node: RedisNode,
  commandTimeoutMs: number,
  retryStrategy: ((attempt: number) => number) | null,
): Redis {
  return new Redis({
    ...optionsOf(address, commandTimeoutMs),
    ...node,
    db: address.database,
    enableOfflineQueue: false,
    retryStrategy,
  });
}

function clusterOf(address: RedisAddress, commandTimeoutMs: number): Cluster {
  return new Cluster([...address.nodes], {
    lazyConnect: true,
    enableOfflineQueue: false,
    // As on one server: who sent a command that broke off must ask, not the client.
    retryDelayOnFailover: 0,
    clusterRetryStrategy: reconnectPauseMs,
    clusterNodeRetryStrategy: reconnectPauseMs,
    redisOptions: optionsOf(address, commandTimeoutMs),
  });
}

function optionsOf(address: RedisAddress, commandTimeoutMs: number) {
  const { username, password, hasTls } = address;
  return {
    lazyConnect: true,
    // A command whose connection broke has an unknown outcome.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    connectTimeout: commandTimeoutMs,
    socketTimeout: SILENT_TIMEOUTS_MAX * commandTimeoutMs,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(hasTls ? { tls: {} } : {}),
  };
}

function firstOf(nodes: readonly RedisNode[]): RedisNode {
  const [first] = nodes;
  if (first === undefined) throw new ApuraError('invalid_config', 'No address of Redis is given.');
  return first;
}

/** What went wrong, as the ports say it. */
export function storeError(cause: unknown): unknown {
  if (cause instanceof ApuraError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.includes('APURA_CORRUPT')
    ? new ApuraError('store_corrupt', message, { cause })
    : new ApuraError('store_unavailable', `Redis: ${message}`, { cause });
}
