/** Puts products, list prices, contracts and thresholds: whole bodies, versioned, each change with its act. */
import { encodeEntry } from '../../domain/metering/catalogue-codec.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CatalogueEntries, MeteringCatalogue } from '../../ports/metering-catalogue.ts';
import type { CatalogueView } from './catalogue-view.ts';
import { type EditableKind, type EntryInput, proposeEntry, type Refused } from './entry-rules.ts';

export interface EntryDeps {
  readonly catalogue: Pick<MeteringCatalogue, 'put'>;
  readonly view: Pick<CatalogueView, 'refresh' | 'revision' | 'all' | 'get'>;
  readonly clock: Pick<Clock, 'now'>;
  /** An id that nobody has. */
  readonly newId: () => string;
}

/** Each lost race means that somebody else's change was stored; nobody loses that many by chance. */
export const ATTEMPTS_MAX = 10;

/**
 * Decides on the newest entries and stores the result if none has changed meanwhile that it depends on;
 * again where one has.
 *
 * @throws as MeteringCatalogue: it may be stored.
 */
export async function putEntry<Kind extends EditableKind>(
  { catalogue, view, clock, newId }: EntryDeps,
  input: EntryInput<Kind> & { readonly actor: string },
): Promise<{ readonly kind: 'ok'; readonly entry: CatalogueEntries[Kind] } | Refused> {
  const { kind, actor } = input;
  let version = 0;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    await view.refresh();
    const { revision } = view;
    const now = clock.now();
    const proposed = proposeEntry(view, input, now, newId);
    if (proposed.kind !== 'ok') return proposed;
    const { id, tenant, before, entry } = proposed;
    version = before?.version ?? 0;
    const body = encodeEntry(kind, entry);
    const detail = before === null ? null : changedNames(encodeEntry(kind, before), body);
    const act = before === null ? 'create' : 'update';
    const stored = await catalogue.put({
      kind,
      id,
      tenant,
      expectedVersion: version,
      // What overlaps is a rule over several entries.
      expectedRevision: kind === 'contract' || kind === 'price' ? revision : null,
      body,
      act: { at: now, actor, act, kind, id, tenant, detail },
    });
    if (stored === 'stored') return { kind: 'ok', entry };
  }
  return { kind: 'version_conflict', version };
}

/** The members that differ, of entries as they are stored. */
function changedNames(before: string, after: string): string {
  const members = (text: string): readonly [string, string][] =>
    Object.entries(JSON.parse(text)).map(([name, value]) => [name, JSON.stringify(value)]);
  const old = new Map(members(before));
  return members(after)
    .filter(([name, value]) => name !== 'version' && old.get(name) !== value)
    .map(([name]) => name)
    .join(', ');
}
