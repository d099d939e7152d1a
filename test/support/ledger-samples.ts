/** Ledger steps as the contract suite writes them: events one by one, turned into columns. */
import type { Lane } from '../../src/domain/counting/lane.ts';
import { EXPIRED, LATE } from '../../src/domain/counting/verdict.ts';
import type { EventColumns, Ledger, LedgerEvent, LedgerStep } from '../../src/ports/ledger.ts';
import type { StepBase } from '../../src/ports/store-step.ts';
import { books, count, type SteppedStore, step } from './store-step-samples.ts';

export const MINUTE_MS = 60_000;
/** A whole minute, ms since the Unix epoch. */
export const NOON = 29_000_000 * MINUTE_MS;

/** An id of its own for every pair of a time (ms after NOON) and a number. */
export function eventId(afterMs: number, number: number): string {
  const scattered = Math.imul(number, 0x9e37_79b1) >>> 0;
  const time = (NOON + afterMs).toString(16).padStart(12, '0');
  return time + scattered.toString(16).padStart(8, '0') + number.toString(16).padStart(12, '0');
}

export function event(fields: Partial<LedgerEvent>): LedgerEvent {
  return {
    id: eventId(0, 0),
    scope: 'poll-a',
    item: 'ana',
    lane: 'valid',
    acceptedAt: NOON,
    state: 'counted',
    partition: 0,
    offset: 0,
    ...fields,
  };
}

function columnsOf(events: readonly LedgerEvent[]): EventColumns {
  const keys: { scope: string; item: string; lane: Lane }[] = [];
  const keyNumber = ({ scope, item, lane }: LedgerEvent): number => {
    const at = keys.findIndex(
      (key) => key.scope === scope && key.item === item && key.lane === lane,
    );
    return at >= 0 ? at : keys.push({ scope, item, lane }) - 1;
  };
  return {
    count: events.length,
    ids: new Uint8Array(Buffer.from(events.map(({ id }) => id).join(''), 'hex')),
    keyIndex: Uint16Array.from(events, keyNumber),
    acceptedAt: Float64Array.from(events, ({ acceptedAt }) => acceptedAt),
    offset: Float64Array.from(events, ({ offset }) => offset),
    keys,
  };
}

/**
 * A step that takes these events in, with the counts and books that they come to: a state of `late`
 * or `expired` excludes an event. Counts and books of acts must be given.
 */
export function ledgerStep(
  events: readonly LedgerEvent[],
  fields: Partial<StepBase> & { readonly epoch: number; readonly length?: number },
): LedgerStep {
  const counted = events.filter(({ state }) => state === 'counted');
  const excluded = events.filter(({ state }) => state !== 'counted');
  const base = step(fields);
  const ones = counted.map(({ scope, item, lane, acceptedAt }) =>
    count({ scope, item, lane, minute: Math.floor(acceptedAt / MINUTE_MS) }),
  );
  const bookings = events.map(({ scope, state }) => books({ scope, logged: 1, [state]: 1 }));
  return {
    ...base,
    counts: [...ones, ...base.counts],
    books: [...bookings, ...base.books],
    counted: columnsOf(counted),
    excluded: {
      ...columnsOf(excluded),
      verdict: Uint8Array.from(excluded, ({ state }) => (state === 'late' ? LATE : EXPIRED)),
    },
  };
}

const NO_EVENTS = { ...columnsOf([]), verdict: new Uint8Array() };

/** A ledger as a store that moves by steps, for the suite that it shares with the tally. */
export function withoutEvents(ledger: Ledger): SteppedStore {
  return {
    takeOver: (partition) => ledger.takeOver(partition),
    commit: (base) => ledger.commit({ ...base, counted: NO_EVENTS, excluded: NO_EVENTS }),
    read: (partition) => ledger.read(partition),
    [Symbol.asyncDispose]: () => ledger[Symbol.asyncDispose](),
  };
}

/** All events of a scope, page by page; every page is held to the limit. */
export async function eventsOf(
  ledger: Pick<Ledger, 'events'>,
  scope: string,
  limit: number,
): Promise<readonly LedgerEvent[]> {
  const all: LedgerEvent[] = [];
  let cursor: string | null = null;
  do {
    const page = await ledger.events(scope, cursor, limit);
    if (page.events.length > limit) throw new Error(`A page of ${page.events.length} events`);
    if (page.nextCursor !== null && page.nextCursor === cursor) throw new Error('A page twice');
    all.push(...page.events);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return all;
}
