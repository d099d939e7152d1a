/** How a partition's content travels to the scripts and back: JSON and decimal strings. */
import { type Checkpoint, START } from '../../domain/counting/checkpoint.ts';
import { LANES } from '../../domain/counting/lane.ts';
import { ApuraError } from '../../domain/errors.ts';
import type {
  ActMark,
  Books,
  CloseMark,
  MinuteCount,
  PartitionCounts,
  StepBase,
  Takeover,
} from '../../ports/store-step.ts';

type Content = Pick<StepBase, 'counts' | 'books' | 'closes' | 'acts'>;

const BOOKS = ['logged', 'counted', 'duplicate', 'expired', 'late', 'voided'] as const;

/** A checkpoint as the scripts take it. */
export function encodePosition(checkpoint: Checkpoint): string[] {
  const { nextOffset, logTime, windowStartOffset, lastBlockCrc } = checkpoint;
  return [nextOffset, logTime, windowStartOffset, lastBlockCrc].map(String);
}

/** Counts as the scripts and readers take them: `[field, increment]`, each field once. */
export function encodeCounts(counts: readonly MinuteCount[]): string {
  const sums = new Map<string, number>();
  for (const { scope, item, lane, minute, count } of counts) {
    const field = JSON.stringify([scope, item, lane, minute]);
    sums.set(field, (sums.get(field) ?? 0) + count);
  }
  return JSON.stringify(textsOf(sums));
}

/** @throws ApuraError `store_corrupt` */
export function decodeCounts(entries: unknown): MinuteCount[] {
  return listOf(entries).map((entry) => {
    const [field, count] = listOf(entry);
    return countOf(String(field), String(count));
  });
}

/** All else of a step or a replacement, as the scripts take it. */
export function encodeRest({ books, closes, acts }: Omit<Content, 'counts'>): string {
  const sums = new Map<string, number>();
  for (const entry of books) {
    for (const book of BOOKS) {
      const field = JSON.stringify([entry.scope, book]);
      sums.set(field, (sums.get(field) ?? 0) + entry[book]);
    }
  }
  return JSON.stringify({
    books: textsOf(sums),
    closes: closes.map(({ scope, offset }) => [scope, String(offset)]),
    acts: acts.map((act) => [JSON.stringify([act.actId, act.target]), JSON.stringify(act)]),
  });
}

/** What adds nothing is left out: a step of one block has four books at zero. */
function textsOf(sums: ReadonlyMap<string, number>): string[][] {
  return [...sums].filter(([, sum]) => sum !== 0).map(([field, sum]) => [field, String(sum)]);
}

/** The reply of TAKE_OVER. */
export function decodeTakeover(reply: unknown): Takeover {
  const [epoch, state, closes, acts] = listOf(reply);
  return {
    epoch: numberOf(epoch),
    checkpoint: checkpointOf(pairsOf(state)),
    closes: [...pairsOf(closes)].map(
      ([scope, offset]): CloseMark => ({ scope, offset: numberOf(offset) }),
    ),
    acts: listOf(acts).map(actOf),
  };
}

/** The reply of READ. */
export function decodePartition(reply: unknown): PartitionCounts {
  const [state, counts, books] = listOf(reply);
  return {
    checkpoint: checkpointOf(pairsOf(state)),
    counts: [...pairsOf(counts)]
      .filter(([, count]) => count !== '0')
      .map(([field, count]) => countOf(field, count)),
    books: booksOf(pairsOf(books)),
  };
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

export function numberOf(value: unknown): number {
  const number = Number(value);
  if (value === undefined || value === '' || !Number.isSafeInteger(number)) throw unexpected(value);
  return number;
}

export function unexpected(value: unknown): ApuraError {
  return new ApuraError('store_corrupt', `Redis holds ${String(value)}, which Apura never writes.`);
}
