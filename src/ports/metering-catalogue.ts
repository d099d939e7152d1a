/**
 * The metering catalogue: products, list prices, contracts, thresholds and API keys, each with its
 * version, and every act on them. Small, strongly consistent; never asked for a pulse.
 */
import type { LogSettings } from '../domain/counting/log-settings.ts';
import type {
  ApiKey,
  Contract,
  ListPrice,
  Product,
  UsageThreshold,
} from '../domain/metering/contract.ts';

/** What it holds, by kind. The id of a product is its sku. */
export interface CatalogueEntries {
  readonly product: Product;
  readonly price: ListPrice;
  readonly contract: Contract;
  readonly threshold: UsageThreshold;
  readonly api_key: ApiKey;
}
export type EntryKind = keyof CatalogueEntries;

/** One thing that an operator did. Never changed, never deleted. */
export interface MeteringAct {
  /** ms since the Unix epoch. */
  readonly at: number;
  readonly actor: string;
  /** `create`, `update`, `revoke`, `void`, `amend`, `requeue`, `discard`, `recompute`, `rerate`, … */
  readonly act: string;
  /** What it was done to: a kind of entry, `pulse`, `dead_letter`, `period`, … and its id. */
  readonly kind: string;
  readonly id: string;
  readonly tenant: string | null;
  /** What exactly, in a few words; null where the act says it all. */
  readonly detail: string | null;
}

/** An entry as it is to be stored, its `version` being `expectedVersion + 1`. */
export interface EntryChange<Kind extends EntryKind> {
  readonly kind: Kind;
  readonly id: string;
  /** The entry's tenant; null where it has none (products, list prices). */
  readonly tenant: string | null;
  /** The version that the change was decided on; 0 creates the entry. */
  readonly expectedVersion: number;
  /**
   * The catalogue's revision that the change was decided on; null where only the entry itself matters. A
   * rule over several entries (contracts never overlap) holds only by this.
   */
  readonly expectedRevision: number | null;
  /** JSON, by the codecs of domain/metering. */
  readonly body: string;
  readonly act: MeteringAct;
}

export interface StoredEntry {
  readonly kind: EntryKind;
  readonly id: string;
  readonly tenant: string | null;
  readonly version: number;
  readonly body: string;
}

export interface MeteringActPage {
  readonly acts: readonly MeteringAct[];
  /** Where the next page starts; null at the end. Opaque. */
  readonly nextCursor: string | null;
}

export interface MeteringCatalogue extends AsyncDisposable {
  /** As Catalogue.mintLogSettings, for the log of pulses `resource-consumption` or `resource-usage`. */
  mintLogSettings(
    log: 'resource-consumption' | 'resource-usage',
    proposal: LogSettings,
  ): Promise<LogSettings>;

  /** What `mintLogSettings` has stored for this log; null before. */
  logSettings(log: 'resource-consumption' | 'resource-usage'): Promise<LogSettings | null>;

  /**
   * Stores an entry and its act in one step, if the entry still has `expectedVersion` (and the catalogue
   * `expectedRevision`); `conflict` otherwise, and nothing changes. Raises the revision by one. Once it
   * resolves to `stored` it survives a crash of the process and of the machine.
   */
  put<Kind extends EntryKind>(change: EntryChange<Kind>): Promise<'stored' | 'conflict'>;

  /** Rises with every `put` that was stored; 0 before the first. Cheap: asked once a second by whoever holds entries in memory. */
  revision(): Promise<number>;

  /** Every entry (its newest version) and the revision, of one instant, in order of (kind, id) by UTF-8 bytes. */
  entries(): Promise<{ readonly revision: number; readonly entries: readonly StoredEntry[] }>;

  /** Every version of one entry, newest first; none where there is no such entry. */
  history(kind: EntryKind, id: string): Promise<readonly StoredEntry[]>;

  /** Adds an act that changes no entry. */
  recordAct(act: MeteringAct): Promise<void>;

  /**
   * Those recorded last first, of one tenant or (null) of all, at most `limit`, from `cursor`.
   *
   * @throws ApuraError `invalid_query`: the cursor is not one of this list.
   */
  acts(tenant: string | null, cursor: string | null, limit: number): Promise<MeteringActPage>;
}
