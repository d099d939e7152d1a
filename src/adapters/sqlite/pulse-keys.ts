/** The keys of every pulse that ever counted: tells the new pulses of a step from those that come again. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { PulseColumns } from '../../ports/pulse-ledger.ts';
import { bytesOf } from './row-values.ts';

const KEY_BYTES = 16;
/** Places of a step that fit beside 32 bits into a whole number that JavaScript keeps exact. */
export const PULSES_MAX = 2 ** 21;

export interface TakenPulses {
  /** 1 where the pulse is new to the ledger and the first of its key in the step. */
  readonly isNew: Uint8Array;
  readonly counted: number;
  readonly duplicates: number;
  readonly conflicts: number;
  /** Whether the ledger knew one of the keys before the step. */
  readonly knewSome: boolean;
}

export class PulseKeys {
  readonly #insert: StatementSync;
  readonly #digest: StatementSync;
  readonly #counted: StatementSync;
  readonly #repeat: StatementSync;
  readonly #conflict: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      'INSERT INTO pulse_key VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#digest = database.prepare('SELECT digest FROM pulse_key WHERE key = ?');
    this.#counted = database.prepare(
      'SELECT 1 FROM pulse_key WHERE key = ? AND partition = ? AND digest = ?',
    );
    this.#repeat = database.prepare(`
      INSERT INTO repeat VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1`);
    this.#conflict = database.prepare(`
      INSERT INTO conflict (key, tenant, partition, "offset", received_at, bytes)
      VALUES (?, ?, ?, ?, ?, ?)`);
  }

  /** Enters the keys that are new, and books what comes again. `tenants` has a number a series. */
  take(partition: number, columns: PulseColumns, tenants: readonly number[]): TakenPulses {
    const { count, keys, digests, seriesIndex, occurredAt } = columns;
    const isNew = new Uint8Array(count);
    const conflicting: number[] = [];
    let duplicates = 0;
    let knewSome = false;
    let head = -1;
    // Of the first pulse that the ledger has of the key at hand.
    let firstDigest: Uint8Array = keys;
    for (const place of inOrderOfKeys(keys, count)) {
      const index = place % PULSES_MAX;
      const key = hashAt(keys, index);
      const digest = hashAt(digests, index);
      if (head < 0 || !isSame(key, hashAt(keys, head))) {
        head = index;
        const tenant = tenants[seriesIndex[index] as number] as number;
        const at = occurredAt[index] as number;
        if (this.#insert.run(key, digest, partition, tenant, at).changes === 1) {
          isNew[index] = 1;
          firstDigest = digest;
          continue;
        }
        knewSome = true;
        firstDigest = bytesOf(this.#digest.get(key)?.digest);
      }
      if (isSame(digest, firstDigest)) {
        duplicates += 1;
        this.#repeat.run(key, partition);
      } else conflicting.push(index);
    }
    // Listed by arrival: in the order of the log.
    conflicting.sort((a, b) => a - b);
    for (const index of conflicting) this.#addConflict(partition, columns, index, tenants);
    const conflicts = conflicting.length;
    const counted = count - duplicates - conflicts;
    return { isNew, counted, duplicates, conflicts, knewSome };
  }

  /** 1 for each pulse that, as its digest says it, is the one that the partition has counted. */
  counted(partition: number, { count, keys, digests }: PulseColumns): Uint8Array {
    return Uint8Array.from({ length: count }, (_, index) => {
      const row = this.#counted.get(hashAt(keys, index), partition, hashAt(digests, index));
      return row === undefined ? 0 : 1;
    });
  }

  #addConflict(
    partition: number,
    { keys, seriesIndex, offset, receivedAt, bytes, start, end }: PulseColumns,
    index: number,
    tenants: readonly number[],
  ): void {
    this.#conflict.run(
      hashAt(keys, index),
      tenants[seriesIndex[index] as number] as number,
      partition,
      offset[index] as number,
      receivedAt[index] as number,
      bytes.subarray(start[index], end[index]),
    );
  }
}

/**
 * The places of the pulses, in the order of the first 32 bits of their keys and then of the log, as
 * `bits * PULSES_MAX + place`. A tree that grows in order touches each of its pages once a step; and
 * what has the same key stands together, unless 32 bits are not enough to tell two keys apart.
 */
function inOrderOfKeys(keys: Uint8Array, count: number): Float64Array {
  if (count > PULSES_MAX) throw new RangeError(`A step of ${count} pulses`);
  const view = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
  const places = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    places[index] = view.getUint32(index * KEY_BYTES) * PULSES_MAX + index;
  }
  return places.sort();
}

function hashAt(hashes: Uint8Array, index: number): Uint8Array {
  return hashes.subarray(index * KEY_BYTES, index * KEY_BYTES + KEY_BYTES);
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  for (let at = 0; at < KEY_BYTES; at += 1) if (left[at] !== right[at]) return false;
  return true;
}
