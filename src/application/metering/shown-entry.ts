/** Entries of the catalogue as they are shown: an API key without the digest of its secret. */
import { decodeEntry } from '../../domain/metering/catalogue-codec.ts';
import type {
  CatalogueEntries,
  EntryKind,
  MeteringCatalogue,
} from '../../ports/metering-catalogue.ts';
import { type ShownApiKey, shownApiKey } from './manage-api-keys.ts';

export type ShownEntries = Omit<CatalogueEntries, 'api_key'> & { readonly api_key: ShownApiKey };

export function shownEntry<Kind extends EntryKind>(
  _kind: Kind,
  entry: CatalogueEntries[Kind],
): ShownEntries[Kind] {
  // No other kind has such a member, and without it a key is a shown one.
  return ('secretSha256' in entry ? shownApiKey(entry) : entry) as ShownEntries[Kind];
}

/** Every version, newest first. @throws as MeteringCatalogue. */
export async function entryHistory<Kind extends EntryKind>(
  catalogue: Pick<MeteringCatalogue, 'history'>,
  kind: Kind,
  id: string,
): Promise<readonly ShownEntries[Kind][]> {
  const versions = await catalogue.history(kind, id);
  return versions.map(({ body }) => shownEntry(kind, decodeEntry(kind, body)));
}
