/**
 * What the metering API and console ask of the use cases. Arguments and answers are plain data, which pass
 * from thread to thread: the embedded form answers in a thread of its own.
 */
import type { Charge, UnpricedUsage } from '../../domain/metering/charge.ts';
import type {
  ApiKey,
  Contract,
  ListPrice,
  Product,
  UsageThreshold,
} from '../../domain/metering/contract.ts';
import type { DeadLetter } from '../../domain/metering/dead-letter.ts';
import type { RerateDifference } from '../../domain/metering/rating-difference.ts';
import type { Statement } from '../../domain/metering/statement.ts';
import type { Granularity } from '../../domain/metering/usage-bounds.ts';
import type { FieldProblem } from '../../domain/voting/poll-fields.ts';
import type { DeadLetterFilter, DeadLetterPage } from '../../ports/dead-letters.ts';
import type { EntryKind, MeteringActPage } from '../../ports/metering-catalogue.ts';
import type { ConflictPage, PulseBooks, PulsePage, StoredPulse } from '../../ports/pulse-ledger.ts';
import type { ChargePage, PeriodRecord, ThresholdEvent } from '../../ports/rating-book.ts';

/** Who asks: an operator sees and does all; a tenant's key sees that tenant alone, and changes nothing. */
export interface MeteringCaller {
  readonly actor: string;
  /** Null: an operator. */
  readonly tenant: string | null;
}

/** A catalogue entry by kind, as it is shown: an API key without its digest. */
export interface ShownEntries {
  readonly product: Product;
  readonly price: ListPrice;
  readonly contract: Contract;
  readonly threshold: UsageThreshold;
  readonly api_key: Omit<ApiKey, 'secretSha256'>;
}

export type Refused =
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] }
  | { readonly kind: 'not_found' }
  /** The entry has changed since the version that the request names, or exists already. */
  | { readonly kind: 'version_conflict'; readonly version: number }
  /** It contradicts another entry: contracts of a tenant, or prices of a product, that overlap. */
  | { readonly kind: 'overlap'; readonly with: string };

export type EntryResult<Kind extends EntryKind> =
  | { readonly kind: 'ok'; readonly entry: ShownEntries[Kind] }
  | Refused;

export interface UsageQuestion {
  /** Null: every tenant (operators alone). */
  readonly tenant: string | null;
  readonly sku: string | null;
  readonly unit: string | null;
  /** ms since the Unix epoch, `[from, to)`. */
  readonly from: number;
  readonly to: number;
  readonly granularity: Granularity;
  readonly timeZone: string;
  /** What rows are told apart by beside the window; a unit is always one of them. */
  readonly groupBy: readonly ('tenant' | 'sku' | 'unit')[];
}

export interface UsageAnswerRow {
  readonly from: number;
  readonly to: number;
  readonly tenant: string | null;
  readonly sku: string | null;
  readonly unit: string;
  /** In 10^-AMOUNT_SCALE. */
  readonly sum: bigint;
  readonly count: number;
  readonly min: bigint;
  readonly max: bigint;
  readonly last: bigint;
}

export type UsageAnswer =
  | {
      readonly kind: 'ok';
      readonly rows: readonly UsageAnswerRow[];
      /** Everything that was received up to here is in it, ms since the Unix epoch. */
      readonly asOf: number;
    }
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] };

/** Where one pulse has got to. */
export type PulseStatus =
  | { readonly kind: 'ok'; readonly pulse: StoredPulse; readonly usageSent: boolean }
  | { readonly kind: 'dead_letter'; readonly letter: DeadLetter }
  | { readonly kind: 'not_found' };

export type PulseActResult =
  /**
   * The act is durable in the log. `pending`: the ledger has not come to it within the wait, and `pulse` is
   * as it was before; asking for the pulse, or sending the act again, says when it has.
   */
  | {
      readonly kind: 'ok';
      readonly actId: string;
      readonly pending: boolean;
      readonly pulse: StoredPulse;
    }
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] }
  /** The ledger does not know the pulse, or not yet. */
  | { readonly kind: 'not_found' }
  /** The `actId` names another act already; this one was not done. */
  | { readonly kind: 'act_id_taken'; readonly actId: string };

export type LetterResult =
  | { readonly kind: 'ok'; readonly letter: DeadLetter }
  | { readonly kind: 'not_found' }
  /** It is in a state that does not allow it. */
  | { readonly kind: 'conflict'; readonly letter: DeadLetter };

export type EstimateResult =
  | {
      readonly kind: 'ok';
      readonly charges: readonly Charge[];
      readonly unpriced: readonly UnpricedUsage[];
    }
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] };

/** What the console's overview shows, once a second. */
export interface MeteringOverview {
  readonly partitions: readonly {
    readonly partition: number;
    readonly end: number;
    readonly next: number;
    readonly books: PulseBooks;
  }[];
  /** Blocks of `resource-usage` that rating has not taken yet. */
  readonly usageBehind: number;
  /** Usage windows that wait to be sent. */
  readonly usagePending: number;
  readonly ratingDue: number;
  readonly deadLetters: Readonly<Record<string, number>>;
}

/** What became of many dead letters at once. */
export interface LettersResolved {
  readonly resolved: number;
  /** Whether more of them match: call again. */
  readonly hasMore: boolean;
}

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
  unpriced(filter: {
    readonly tenant: string | null;
    readonly from: number;
    readonly to: number;
  }): Promise<readonly UnpricedUsage[]>;
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
  }): Promise<LettersResolved>;
  acts(tenant: string | null, cursor: string | null, limit: number): Promise<MeteringActPage>;
  overview(): Promise<MeteringOverview>;
}
