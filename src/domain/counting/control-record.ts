/**
 * Control records of the event partitions: what a poll's life and its officials say to the count
 * itself. They stand in the log among the events, so that every fold meets them at the same place.
 */
import { ApuraError } from '../errors.ts';
import { LANES, type Lane } from './lane.ts';

/** From here on, events of `scope` in this partition are late. Repeated: the first one counts. */
export interface CloseRecord {
  readonly type: 'close';
  readonly scope: string;
  /** The closing instant that the doors went by, ms since the Unix epoch. */
  readonly closesAt: number;
}

/** One event that an act is about, with all that a count needs to take it off or put it back. */
export interface ActTarget {
  /** id16 as 32 hex digits. */
  readonly id: string;
  readonly item: string;
  readonly lane: Lane;
  /** Minute of acceptance since the Unix epoch. */
  readonly minute: number;
}

/**
 * Takes counted events off the count, or puts voided ones back. Goes to the partition of its targets'
 * ids. Idempotent by (actId, target): a rebuild meets each act again and does the same.
 */
export interface ActRecord {
  readonly type: 'void' | 'restore';
  readonly actId: string;
  readonly scope: string;
  readonly targets: readonly ActTarget[];
}

export type ControlRecord = CloseRecord | ActRecord;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export function encodeControlRecord(record: ControlRecord): Uint8Array {
  return encoder.encode(JSON.stringify(record));
}

/** @throws ApuraError `block_invalid`: not JSON, or not a record that is known here. */
export function decodeControlRecord(payload: Uint8Array): ControlRecord {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(payload));
  } catch (cause) {
    throw new ApuraError('block_invalid', 'A control record is not JSON.', { cause });
  }
  if (isCloseRecord(value) || isActRecord(value)) return value;
  throw new ApuraError('block_invalid', 'A control record is of a type that is not known here.');
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function isCloseRecord(value: unknown): value is CloseRecord {
  return (
    isRecord(value) &&
    value['type'] === 'close' &&
    typeof value['scope'] === 'string' &&
    Number.isSafeInteger(value['closesAt'])
  );
}

function isActRecord(value: unknown): value is ActRecord {
  return (
    isRecord(value) &&
    (value['type'] === 'void' || value['type'] === 'restore') &&
    typeof value['actId'] === 'string' &&
    typeof value['scope'] === 'string' &&
    Array.isArray(value['targets']) &&
    value['targets'].every(isActTarget)
  );
}

function isActTarget(value: unknown): value is ActTarget {
  return (
    isRecord(value) &&
    typeof value['id'] === 'string' &&
    /^[0-9a-f]{32}$/.test(value['id']) &&
    typeof value['item'] === 'string' &&
    LANES.some((lane) => lane === value['lane']) &&
    Number.isSafeInteger(value['minute'])
  );
}
