/** A metering catalogue that lives and dies with the process: the model that durable ones are held to. */
import type { LogSettings } from '../../domain/counting/log-settings.ts';
import { ApuraError } from '../../domain/errors.ts';
import { compareTexts } from '../../domain/text-order.ts';
import type {
  EntryChange,
  EntryKind,
  MeteringAct,
  MeteringActPage,
  MeteringCatalogue,
  StoredEntry,
} from '../../ports/metering-catalogue.ts';

/** What a metering catalogue holds, apart from its handles: it outlives them as a server or a file would. */
export class MemoryMeteringStore {
  /** By name of the log. */
  readonly logs = new Map<string, LogSettings>();
  /** Every version of an entry, oldest first, by kind and id. */
  readonly entries = new Map<string, StoredEntry[]>();
  revision = 0;
  /** Oldest first. */
  readonly acts: MeteringAct[] = [];
}

export class MemoryMeteringCatalogue implements MeteringCatalogue {
  readonly #store: MemoryMeteringStore;

  constructor(store: MemoryMeteringStore) {
    this.#store = store;
  }

  async mintLogSettings(log: string, proposal: LogSettings): Promise<LogSettings> {
    const minted = this.#store.logs.get(log) ?? structuredClone(proposal);
    this.#store.logs.set(log, minted);
    return minted;
  }

  async logSettings(log: string): Promise<LogSettings | null> {
    return this.#store.logs.get(log) ?? null;
  }

  async put<Kind extends EntryKind>(change: EntryChange<Kind>): Promise<'stored' | 'conflict'> {
    const { kind, id, tenant, expectedVersion, expectedRevision, body, act } = change;
    const copy = structuredClone(act);
    const store = this.#store;
    const versions = store.entries.get(nameOf(kind, id)) ?? [];
    if ((versions.at(-1)?.version ?? 0) !== expectedVersion) return 'conflict';
    if (expectedRevision !== null && expectedRevision !== store.revision) return 'conflict';
    versions.push({ kind, id, tenant, version: expectedVersion + 1, body });
    store.entries.set(nameOf(kind, id), versions);
    store.revision += 1;
    store.acts.push(copy);
    return 'stored';
  }

  async revision(): Promise<number> {
    return this.#store.revision;
  }

  async entries(): Promise<{ revision: number; entries: readonly StoredEntry[] }> {
    const newest = [...this.#store.entries.values()].flatMap((versions) => versions.slice(-1));
    const entries = newest.sort(
      (left, right) => compareTexts(left.kind, right.kind) || compareTexts(left.id, right.id),
    );
    return { revision: this.#store.revision, entries };
  }

  async history(kind: EntryKind, id: string): Promise<readonly StoredEntry[]> {
    return [...(this.#store.entries.get(nameOf(kind, id)) ?? [])].reverse();
  }

  async recordAct(act: MeteringAct): Promise<void> {
    this.#store.acts.push(structuredClone(act));
  }

  async acts(
    tenant: string | null,
    cursor: string | null,
    limit: number,
  ): Promise<MeteringActPage> {
    const before = cursor === null ? this.#store.acts.length : positionOf(cursor);
    const acts: MeteringAct[] = [];
    for (let position = before - 1; position >= 0; position -= 1) {
      const act = this.#store.acts[position];
      if (act === undefined || (tenant !== null && act.tenant !== tenant)) continue;
      // One more than asked for: the page before it ends with a cursor.
      if (acts.length === limit) return { acts, nextCursor: String(position + 1) };
      acts.push(act);
    }
    return { acts, nextCursor: null };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function nameOf(kind: EntryKind, id: string): string {
  return `${kind} ${id}`;
}

function positionOf(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new ApuraError('invalid_query', 'The cursor is not one of a list of acts.');
}
