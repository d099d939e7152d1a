/**
 * One call of `append` as its blocks go to their partitions: in turns where a partition's do not fit one
 * batch, and until every part of a turn is known to be appended, certainly not, or unknown.
 */
import { ApuraError } from '../../domain/errors.ts';
import type { PartitionBlock } from '../../ports/event-log.ts';
import { batchBytes } from './record-batch.ts';
import { BATCH_BYTES_MAX } from './topics.ts';

export type Outcome =
  | { readonly kind: 'appended'; readonly base: number }
  | { readonly kind: 'nothing' | 'unknown'; readonly cause: unknown };

/** A call of `append`, and what is known of it so far. */
export interface Call {
  /** By the block's place in the call; holes where it was not appended. */
  readonly offsets: number[];
  /** What did not end well in the turn that is under way. */
  readonly failures: Exclude<Outcome, { kind: 'appended' }>[];
  appendedSome: boolean;
  /** Items of the turn that have no outcome yet. */
  left: number;
  turnEnded: () => void;
}

/** The blocks of one call for one partition: they stand one behind the other, and share one fate. */
export interface Part {
  readonly partition: number;
  readonly turn: number;
  /** Their places in the call. */
  readonly places: number[];
  readonly blocks: Uint8Array[];
  /** What they take as a batch, at most. */
  bytes: number;
}

export interface Item extends Part {
  readonly call: Call;
  readonly deadline: number;
}

export function newCall(blocks: number): Call {
  const offsets = new Array<number>(blocks);
  return { offsets, failures: [], appendedSome: false, left: 0, turnEnded: () => {} };
}

/** A batch has an upper bound, and a partition one batch a request: larger calls go in turns. */
export function turns(blocks: readonly PartitionBlock[]): readonly (readonly Part[])[] {
  const all: Part[][] = [];
  const newest = new Map<number, Part>();
  blocks.forEach(({ partition, bytes: block }, place) => {
    const bytes = batchBytes([block]);
    const known = newest.get(partition);
    if (known !== undefined && known.bytes + bytes <= BATCH_BYTES_MAX) {
      known.places.push(place);
      known.blocks.push(block);
      known.bytes += bytes;
      return;
    }
    const turn = known === undefined ? 0 : known.turn + 1;
    const part: Part = { partition, turn, places: [place], blocks: [block], bytes };
    newest.set(partition, part);
    const parts = all[turn];
    if (parts === undefined) all[turn] = [part];
    else parts.push(part);
  });
  return all;
}

export function settle({ call, places }: Item, outcome: Outcome): void {
  if (outcome.kind === 'appended') {
    places.forEach((place, at) => {
      call.offsets[place] = outcome.base + at;
    });
    call.appendedSome = true;
  } else {
    call.failures.push(outcome);
  }
  call.left -= 1;
  if (call.left === 0) call.turnEnded();
}

/**
 * After a turn.
 *
 * @throws ApuraError `log_unavailable`: nothing of the call was appended.
 * @throws ApuraError `append_unknown`: that is not known, or some was.
 */
export function assertAppended({ failures, appendedSome }: Call): void {
  const [first] = failures;
  if (first === undefined) return;
  throw failure(first.cause, appendedSome || failures.some(({ kind }) => kind === 'unknown'));
}

function failure(cause: unknown, isUnknown: boolean): ApuraError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return isUnknown
    ? new ApuraError('append_unknown', `Kafka may or may not have appended: ${reason}`, { cause })
    : new ApuraError('log_unavailable', `Kafka has appended nothing: ${reason}`, { cause });
}
