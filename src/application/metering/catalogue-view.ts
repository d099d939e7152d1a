/**
 * The metering catalogue in memory, for whoever must not ask a store for a pulse or a price: read whole
 * whenever its revision has risen, and the last known for as long as it is away.
 */
import type { Clock } from '../../ports/clock.ts';
import type {
  CatalogueEntries,
  EntryKind,
  MeteringCatalogue,
} from '../../ports/metering-catalogue.ts';

/** How often the revision is asked, ms: how long a new price, or a revoked key, takes to be known. */
export const CATALOGUE_REFRESH_MS = 1_000;

/** Reads the body of an entry. Throws where it is none of that kind. */
export type DecodeEntry = <Kind extends EntryKind>(
  kind: Kind,
  body: string,
) => CatalogueEntries[Kind];

export interface CatalogueViewDeps {
  readonly catalogue: Pick<MeteringCatalogue, 'revision' | 'entries'>;
  readonly clock: Clock;
  readonly decode: DecodeEntry;
}

export interface CatalogueFollowing {
  /** Waits, or returns early when the signal aborts. Never rejects. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told of the first of several failures in a row. */
  readonly onTrouble: (error: unknown) => void;
}

type Entries = { readonly [Kind in EntryKind]: Map<string, CatalogueEntries[Kind]> };

export class CatalogueView {
  readonly #deps: CatalogueViewDeps;
  readonly #listeners = new Set<() => void>();
  #entries: Entries = noEntries();
  #revision = -1;
  #readAt: number | null = null;
  /** One at a time, so that none shows what is older than what another has read meanwhile. */
  #refreshing: Promise<unknown> = Promise.resolve();

  constructor(deps: CatalogueViewDeps) {
    this.#deps = deps;
  }

  /** The catalogue's revision that is shown; -1 before the first `refresh`. */
  get revision(): number {
    return this.#revision;
  }

  /** For how long nothing has been heard of the catalogue, ms; Infinity before the first `refresh`. */
  get ageMs(): number {
    return this.#readAt === null
      ? Number.POSITIVE_INFINITY
      : this.#deps.clock.monotonic() - this.#readAt;
  }

  /** In order of their ids by UTF-8 bytes. */
  all<Kind extends EntryKind>(kind: Kind): readonly CatalogueEntries[Kind][] {
    return [...this.#entries[kind].values()];
  }

  /** Null where there is none. */
  get<Kind extends EntryKind>(kind: Kind, id: string): CatalogueEntries[Kind] | null {
    return this.#entries[kind].get(id) ?? null;
  }

  /** Runs after every change of what is shown, until the result is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Asks the catalogue, and reads it whole where it has changed. What is shown then is at least as new as
   * the call; it stays as it was where this throws.
   *
   * @throws as MeteringCatalogue, and as DecodeEntry.
   */
  refresh(): Promise<'changed' | 'unchanged'> {
    const refreshed = this.#refreshing.then(() => this.#refresh());
    this.#refreshing = refreshed.catch(() => {});
    return refreshed;
  }

  /** Refreshes every CATALOGUE_REFRESH_MS until the signal aborts; goes on after failures. Never rejects. */
  async follow(signal: AbortSignal, { sleep, onTrouble }: CatalogueFollowing): Promise<void> {
    let isTroubled = false;
    while (!signal.aborted) {
      try {
        await this.refresh();
        isTroubled = false;
      } catch (error) {
        if (!isTroubled) onTrouble(error);
        isTroubled = true;
      }
      await sleep(CATALOGUE_REFRESH_MS, signal);
    }
  }

  async #refresh(): Promise<'changed' | 'unchanged'> {
    const { catalogue, clock } = this.#deps;
    // Taken before: what is shown is at least as new as this instant.
    const askedAt = clock.monotonic();
    if ((await catalogue.revision()) === this.#revision) {
      this.#readAt = askedAt;
      return 'unchanged';
    }
    const { revision, entries } = await catalogue.entries();
    const read = noEntries();
    for (const { kind, id, body } of entries) this.#take(read, kind, id, body);
    this.#entries = read;
    this.#revision = revision;
    this.#readAt = askedAt;
    for (const listener of this.#listeners) listener();
    return 'changed';
  }

  #take<Kind extends EntryKind>(
    into: { readonly [K in Kind]: Map<string, CatalogueEntries[K]> },
    kind: Kind,
    id: string,
    body: string,
  ): void {
    into[kind].set(id, this.#deps.decode(kind, body));
  }
}

function noEntries(): Entries {
  return {
    product: new Map(),
    price: new Map(),
    contract: new Map(),
    threshold: new Map(),
    api_key: new Map(),
  };
}
