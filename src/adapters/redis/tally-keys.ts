/** The names that the live tally has in Redis, for who counts and who reads. */
import type { RedisAddress } from './redis-address.ts';

const KEY_PREFIX = 'apura';

/** One partition's keys, in the order in which the scripts take them. */
const KEYS = ['state', 'counts', 'books', 'closes', 'acts', 'met'] as const;
export const PARTITION_KEYS = KEYS.length;

/** What every name of an installation begins with: the address's prefix, then the one given. */
export function namePrefix({ prefix }: RedisAddress, keyPrefix: string = KEY_PREFIX): string {
  return prefix === null ? keyPrefix : `${prefix}:${keyPrefix}`;
}

/** The braces keep a partition's keys in one slot of a cluster. */
export function partitionKeys(prefix: string, logId: string, partition: number): string[] {
  return KEYS.map((name) => `{${prefix}:${logId}:${partition}}:${name}`);
}

/** Which log the keys belong to. */
export function ownerKey(prefix: string): string {
  return `${prefix}:log`;
}

/** Where each applied step is told. */
export function changesChannel(prefix: string, logId: string): string {
  return `${prefix}:${logId}:changes`;
}
