/** Places in the lists of pulses and of conflicts, as the cursors that name them: the same in every store. */
import { ApuraError } from '../errors.ts';

export interface PulsePlace {
  readonly occurredAt: number;
  /** 32 hex digits. */
  readonly key: string;
}

/** Names the place of the last pulse of a page: the next page starts behind it. */
export function pulseCursorAt({ occurredAt, key }: PulsePlace): string {
  return `${occurredAt}.${key}`;
}

/** @throws ApuraError `invalid_query`: not a cursor. */
export function pulsePlaceAt(cursor: string): PulsePlace {
  const match = /^(\d{1,15})\.([0-9a-f]{32})$/.exec(cursor);
  const key = match?.[2];
  if (key !== undefined) return { occurredAt: Number(match?.[1]), key };
  throw new ApuraError('invalid_query', 'The cursor is not one of a list of pulses.');
}

export interface ConflictPlace {
  readonly receivedAt: number;
  /** Rises with every conflict that the ledger stores. */
  readonly arrival: number;
}

export function conflictCursorAt({ receivedAt, arrival }: ConflictPlace): string {
  return `${receivedAt}.${arrival}`;
}

/** @throws ApuraError `invalid_query`: not a cursor. */
export function conflictPlaceAt(cursor: string): ConflictPlace {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(cursor);
  if (match !== null) return { receivedAt: Number(match[1]), arrival: Number(match[2]) };
  throw new ApuraError('invalid_query', 'The cursor is not one of a list of conflicts.');
}
