/**
 * What the metering API and console ask of the use cases. Arguments and answers are plain data, which pass
 * from thread to thread: the embedded form answers in a thread of its own.
 */
import type { PulseActResult } from '../../application/metering/act-on-pulse.ts';
import type { LetterResult, LettersResolved } from '../../application/metering/dead-letter-desk.ts';
import type { Refused } from '../../application/metering/entry-rules.ts';
import type { EstimateResult } from '../../application/metering/estimate-charges.ts';
import type { Overview } from '../../application/metering/get-overview.ts';
import type { PulseStatus } from '../../application/metering/get-pulse.ts';
import type { UsageAnswer, UsageQuestion } from '../../application/metering/query-usage.ts';
import type { ShownEntries } from '../../application/metering/shown-entry.ts';
import type { Charge, UnpricedUsage } from '../../domain/metering/charge.ts';
import type { DeadLetter } from '../../domain/metering/dead-letter.ts';
import type { RerateDifference } from '../../domain/metering/rating-difference.ts';
import type { Statement } from '../../domain/metering/statement.ts';
import type { DeadLetterFilter, DeadLetterPage } from '../../ports/dead-letters.ts';
import type { EntryKind, MeteringActPage } from '../../ports/metering-catalogue.ts';
import type { ConflictPage, PulsePage } from '../../ports/pulse-ledger.ts';
import type { ChargePage, PeriodRecord, ThresholdEvent } from '../../ports/rating-book.ts';

/** Who asks: an operator sees and does all; a tenant's key sees that tenant alone, and changes nothing. */
export interface MeteringCaller {
  readonly actor: string;
  /** Null: an operator. */
  readonly tenant: string | null;
}

export type EntryResult<Kind extends EntryKind> =
  | { readonly kind: 'ok'; readonly entry: ShownEntries[Kind] }
  | Refused;

export interface MeteringUseCases {
  /** `expectedVersion`: 0 creates. The body is the whole entry. API keys are made by `createApiKey`. */
  putEntry<Kind extends Exclude<EntryKind, 'api_key'>>(input: {
    readonly kind: Kind;
    /** Null: a new one, under an id of the server's making (a product's is its sku). */
    readonly id: string | null;
    readonly body: unknown;
    readonly actor: string;
  }): Promise<EntryResult<Kind>>;
  entry<Kind extends EntryKind>(kind: Kind, id: string): Promise<ShownEntries[Kind] | null>;
  /** By id; of one tenant or (null) of all. */
  entries<Kind extends EntryKind>(
    kind: Kind,
    tenant: string | null,
  ): Promise<readonly ShownEntries[Kind][]>;
  /** Every version, newest first. */
  entryHistory<Kind extends EntryKind>(
    kind: Kind,
    id: string,
  ): Promise<readonly ShownEntries[Kind][]>;
  /** The secret is in the answer, once and never again. */
  createApiKey(input: {
    readonly body: unknown;
    readonly actor: string;
  }): Promise<
    | { readonly kind: 'ok'; readonly entry: ShownEntries['api_key']; readonly secret: string }
    | Refused
  >;
  revokeApiKey(input: {
    readonly id: string;
    readonly actor: string;
  }): Promise<EntryResult<'api_key'>>;

  usage(question: UsageQuestion): Promise<UsageAnswer>;
  pulse(input: {
    readonly tenant: string;
    readonly source: string;
    readonly id: string;
  }): Promise<PulseStatus>;
  pulses(
    filter: { readonly tenant: string | null; readonly from: number; readonly to: number },
    cursor: string | null,
    limit: number,
  ): Promise<PulsePage>;
  conflicts(tenant: string | null, cursor: string | null, limit: number): Promise<ConflictPage>;
  /**
   * Voids or amends; the same `actId` again changes nothing. The body is `{reason, actId?}`, of an
   * amendment `{reason, amount, actId?}`.
   */
  actOnPulse(input: {
    readonly act: 'void' | 'amend';
    readonly tenant: string;
    readonly source: string;
    readonly id: string;
    readonly body: unknown;
    /** The `actId` where the body names none; null: the server makes one. */
    readonly idempotencyKey: string | null;
    readonly actor: string;
  }): Promise<PulseActResult>;
  /** Adds usage windows up anew from the pulses; resolves to how many differed. */
  recomputeUsage(input: {
    readonly from: number;
    readonly to: number;
    readonly actor: string;
  }): Promise<number>;

  charges(
    filter: { readonly tenant: string | null; readonly from: number; readonly to: number },
    cursor: string | null,
    limit: number,
  ): Promise<ChargePage>;
  charge(id: string): Promise<Charge | null>;
  unpriced(
    filter: { readonly tenant: string | null; readonly from: number; readonly to: number },
    limit: number,
  ): Promise<readonly UnpricedUsage[]>;
  periods(tenant: string, from: number, to: number): Promise<readonly PeriodRecord[]>;
  /** The statement of the tenant's billing period that holds the instant; null where there is none. */
  statement(tenant: string, at: number): Promise<Statement | null>;
  /** Prices an amount that nobody has used yet. */
  estimate(input: {
    readonly body: unknown;
    readonly caller: MeteringCaller;
  }): Promise<EstimateResult>;
  /** What reckoning the tenant's charges anew would change; applied where `apply`. */
  rerate(input: {
    readonly tenant: string;
    readonly from: number;
    readonly to: number;
    readonly apply: boolean;
    readonly actor: string;
  }): Promise<RerateDifference>;
  /**
   * What the tenant's charges of `[from, to)` would become if the entry were put as `putEntry` would; stores
   * nothing.
   */
  previewEntry(input: {
    readonly kind: 'price' | 'contract';
    readonly id: string | null;
    readonly body: unknown;
    readonly tenant: string;
    readonly from: number;
    readonly to: number;
  }): Promise<{ readonly kind: 'ok'; readonly difference: RerateDifference } | Refused>;
  thresholdEvents(tenant: string | null, limit: number): Promise<readonly ThresholdEvent[]>;

  deadLetters(
    filter: DeadLetterFilter,
    cursor: string | null,
    limit: number,
  ): Promise<DeadLetterPage>;
  deadLetter(id: string): Promise<DeadLetter | null>;
  /** Sends the bytes again into the log that they came from. */
  requeueDeadLetter(input: { readonly id: string; readonly actor: string }): Promise<LetterResult>;
  discardDeadLetter(input: { readonly id: string; readonly actor: string }): Promise<LetterResult>;
  /** The same for PENDING letters that match (the filter's own state is not looked at), a bounded number of them. */
  resolveDeadLetters(input: {
    readonly filter: DeadLetterFilter;
    readonly state: 'REQUEUED' | 'DISCARDED';
    readonly actor: string;
    /** `nextCursor` of the call before; null at first. */
    readonly cursor: string | null;
  }): Promise<LettersResolved>;
  acts(tenant: string | null, cursor: string | null, limit: number): Promise<MeteringActPage>;
  overview(): Promise<Overview>;
}
