/** The metering use cases, bound to the stores and logs of one process. */
import { createHash, randomUUID } from 'node:crypto';
import { actOnPulse } from '../../application/metering/act-on-pulse.ts';
import type { CatalogueView } from '../../application/metering/catalogue-view.ts';
import { DeadLetterDesk, type LetterLog } from '../../application/metering/dead-letter-desk.ts';
import { estimateCharges } from '../../application/metering/estimate-charges.ts';
import { getOverview, type LogEnds } from '../../application/metering/get-overview.ts';
import { getPulse } from '../../application/metering/get-pulse.ts';
import { getStatement } from '../../application/metering/get-statement.ts';
import { createApiKey, revokeApiKey } from '../../application/metering/manage-api-keys.ts';
import { putEntry } from '../../application/metering/put-entry.ts';
import { queryUsage } from '../../application/metering/query-usage.ts';
import { recomputeUsage } from '../../application/metering/recompute-usage.ts';
import { previewEntry, rerate } from '../../application/metering/rerate.ts';
import { entryHistory, shownEntry } from '../../application/metering/shown-entry.ts';
import type { BlockWriter } from '../../domain/counting/block.ts';
import type { MeteringUseCases } from '../../edge/http/metering-deps.ts';
import { newKeySecret, secretSha256 } from '../../edge/http/pulse-key-secret.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DeadLetters } from '../../ports/dead-letters.ts';
import type { MeteringCatalogue } from '../../ports/metering-catalogue.ts';
import type { PulseLedger } from '../../ports/pulse-ledger.ts';
import type { RatingBook } from '../../ports/rating-book.ts';
import { repeat } from '../event-loop.ts';
import { newPollId } from '../ingest.ts';
import { sleep } from '../sleep.ts';
import { newWriterId } from './jobs.ts';

/** A log as the use cases need it: where it ends, and a way to append a block as it is. */
export interface MeteringLog extends LogEnds, LetterLog {}

/** What the metering use cases of one process are bound to. */
export interface MeteringParts {
  readonly clock: Clock;
  readonly catalogue: MeteringCatalogue;
  /** Read once at least; the process keeps it fresh. */
  readonly view: CatalogueView;
  readonly ledger: PulseLedger;
  /** Of both queues. */
  readonly letters: DeadLetters;
  readonly book: RatingBook;
  /** The log `resource-consumption`. */
  readonly pulses: MeteringLog;
  /** The log `resource-usage`; null where usage goes to rating without one. */
  readonly usage: MeteringLog | null;
  /** Appends a control record to a partition of `resource-consumption`. Resolves to its offset. */
  readonly appendControl: (partition: number, payload: Uint8Array) => Promise<number>;
  /** Begins an aggregation at once, where this process can. */
  readonly trigger: () => void;
}

const NEVER = new AbortController().signal;

export function createMeteringUseCases(parts: MeteringParts): MeteringUseCases {
  const { catalogue, view, clock, ledger, book, letters, pulses } = parts;
  const entries = { catalogue, view, clock, newId: newPollId };
  const keys = { ...entries, newSecret: newKeySecret, secretSha256 };
  const rating = { ...entries, book, digest: sha256 };
  const desk = deadLetterDesk(parts);
  const acting = {
    ...parts,
    newActId: () => randomUUID(),
    sleep: (ms: number) => sleep(ms, NEVER),
  };
  return {
    putEntry: (input) => putEntry(entries, input),
    entry: async (kind, id) => {
      await view.refresh();
      const entry = view.get(kind, id);
      return entry === null ? null : shownEntry(kind, entry);
    },
    entries: async (kind, tenant) => {
      await view.refresh();
      return view
        .all(kind)
        .filter((entry) => tenant === null || !('tenant' in entry) || entry.tenant === tenant)
        .map((entry) => shownEntry(kind, entry));
    },
    entryHistory: (kind, id) => entryHistory(catalogue, kind, id),
    createApiKey: async (input) => {
      const made = await createApiKey(keys, input);
      // This process knows the key at once; where it can't be asked now, within a second of its return.
      await view.refresh().catch(() => {});
      return made;
    },
    revokeApiKey: (input) => revokeApiKey(entries, input),
    usage: (question) => queryUsage({ ledger, pulses, clock }, question),
    pulse: (name) => getPulse({ ledger, letters }, name),
    pulses: (filter, cursor, limit) => ledger.pulses(filter, cursor, limit),
    conflicts: (tenant, cursor, limit) => ledger.conflicts(tenant, cursor, limit),
    actOnPulse: (input) => actOnPulse(acting, input),
    recomputeUsage: (input) => recomputeUsage(parts, input),
    charges: (filter, cursor, limit) => book.charges(filter, cursor, limit),
    charge: (id) => book.charge(id),
    unpriced: (filter, limit) => book.unpriced(filter, limit),
    periods: (tenant, from, to) => book.periods(tenant, from, to),
    statement: (tenant, at) => getStatement({ book }, tenant, at),
    estimate: (input) => estimateCharges(rating, input),
    rerate: (input) => rerate(rating, input),
    previewEntry: (input) => previewEntry(rating, input),
    thresholdEvents: (tenant, limit) => book.events(tenant, limit),
    deadLetters: (filter, cursor, limit) => letters.list(filter, cursor, limit),
    deadLetter: (id) => letters.get(id),
    requeueDeadLetter: (input) => desk.requeue(input),
    discardDeadLetter: (input) => desk.discard(input),
    resolveDeadLetters: (input) => desk.resolveAll(input),
    acts: (tenant, cursor, limit) => catalogue.acts(tenant, cursor, limit),
    overview: () => getOverview(parts),
  };
}

/** Sends the dead letters again whose time has come. Resolves to how many. */
export function letterRetries(parts: DeadLetterParts): () => Promise<number> {
  const desk = deadLetterDesk(parts);
  return () => desk.retryDue();
}

const LETTER_RETRY_MS = 10_000;

/** Sends the dead letters again whose time has come, every so often, until the result is called. */
export function keepRetryingLetters(
  parts: DeadLetterParts,
  onFailure: (error: unknown) => void,
): () => Promise<void> {
  const retry = letterRetries(parts);
  return repeat(
    LETTER_RETRY_MS,
    async () => {
      await retry();
    },
    onFailure,
  );
}

export type DeadLetterParts = Pick<
  MeteringParts,
  'letters' | 'catalogue' | 'clock' | 'pulses' | 'usage' | 'appendControl'
>;

function deadLetterDesk(parts: DeadLetterParts): DeadLetterDesk {
  const writerId = newWriterId();
  let sequence = 0;
  const nextSource = (): BlockWriter => {
    sequence += 1;
    return { writerId, sequence };
  };
  return new DeadLetterDesk({ ...parts, nextSource });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
