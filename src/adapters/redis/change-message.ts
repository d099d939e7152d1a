/**
 * What the scripts publish, and readers understand: `[partition, from, nextOffset, acceptedFrom,
 * counts]` for a step, `[partition]` where the partition must be read anew.
 */
import type { TallyChange } from '../../ports/tally-changes.ts';
import { decodeCounts } from './tally-codec.ts';

export type ChangeMessage =
  | { readonly kind: 'change'; readonly change: TallyChange }
  /** Null: it can not be said which partition. */
  | { readonly kind: 'gap'; readonly partition: number | null };

type Head = Omit<TallyChange, 'counts'>;

/** The beginning of a step's message: the script adds the counts, which it was given anyway, and `]`. */
export function encodeHead({ partition, from, nextOffset, acceptedFrom }: Head): string {
  return `${JSON.stringify([partition, from, nextOffset, acceptedFrom]).slice(0, -1)},`;
}

export function encodeGap(partition: number): string {
  return JSON.stringify([partition]);
}

/** What can not be read may have been a change of any partition. */
export function decodeChange(text: string): ChangeMessage {
  try {
    const message: unknown = JSON.parse(text);
    if (!Array.isArray(message)) return { kind: 'gap', partition: null };
    const [partition, from, nextOffset, acceptedFrom, counts] = message as unknown[];
    if (!isOffset(partition)) return { kind: 'gap', partition: null };
    if (!isOffset(from) || !isOffset(nextOffset)) return { kind: 'gap', partition };
    if (acceptedFrom !== null && !isOffset(acceptedFrom)) return { kind: 'gap', partition };
    const change = { partition, from, nextOffset, acceptedFrom, counts: decodeCounts(counts) };
    return { kind: 'change', change };
  } catch {
    return { kind: 'gap', partition: null };
  }
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
