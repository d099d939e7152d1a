/** What makes an entry of the metering catalogue right: its own fields, what of it never changes, and its peers. */
import type { BodyRead } from '../../domain/metering/body-reader.ts';
import {
  type BodyPurpose,
  readContractBody,
  readListPriceBody,
  readProductBody,
  readThresholdBody,
} from '../../domain/metering/contract-fields.ts';
import { overlappingContract, overlappingPrice } from '../../domain/metering/contract-overlap.ts';
import type { FieldProblem } from '../../domain/voting/poll-fields.ts';
import type { CatalogueEntries, EntryKind } from '../../ports/metering-catalogue.ts';
import type { CatalogueView } from './catalogue-view.ts';

/** Kinds that are put as whole bodies; API keys are made and revoked. */
export type EditableKind = Exclude<EntryKind, 'api_key'>;

export type Refused =
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] }
  | { readonly kind: 'not_found' }
  /** The entry has changed since the version that the request names, or exists already. */
  | { readonly kind: 'version_conflict'; readonly version: number }
  /** It contradicts another entry: contracts of a tenant, or prices of a product, that overlap. */
  | { readonly kind: 'overlap'; readonly with: string };

/** What the server knows of an entry beside its body. */
interface Kept {
  readonly id: string;
  readonly version: number;
  readonly createdAt: number;
}

interface Draft<Entry> {
  readonly id: string | null;
  readonly expectedVersion: number | null;
  readonly entry: (kept: Kept) => Entry;
}

interface Rules<Entry> {
  readonly read: (body: unknown, purpose: BodyPurpose) => BodyRead<Draft<Entry>>;
  readonly tenantOf: (entry: Entry) => string | null;
  /** Members that are part of what it is known by. */
  readonly fixed: readonly (keyof Entry & string)[];
  /** Another one that it contradicts. */
  readonly overlapping: (entry: Entry, all: readonly Entry[]) => { readonly id: string } | null;
}

const RULES: { readonly [Kind in EditableKind]: Rules<CatalogueEntries[Kind]> } = {
  product: {
    read: (body, purpose) =>
      drafted(readProductBody(body, purpose), ({ id: _, ...fields }) => ({
        id: fields.sku,
        entry: ({ version, createdAt }) => ({ ...fields, version, createdAt }),
      })),
    tenantOf: () => null,
    fixed: ['sku'],
    overlapping: () => null,
  },
  price: {
    read: (body, purpose) =>
      drafted(readListPriceBody(body, purpose), ({ id, ...fields }) => ({
        id,
        entry: (kept) => ({ ...fields, ...kept }),
      })),
    tenantOf: () => null,
    fixed: [],
    overlapping: overlappingPrice,
  },
  contract: {
    read: (body, purpose) =>
      drafted(readContractBody(body, purpose), ({ id, ...fields }) => ({
        id,
        entry: (kept) => ({ ...fields, ...kept }),
      })),
    tenantOf: ({ tenant }) => tenant,
    fixed: ['tenant'],
    overlapping: overlappingContract,
  },
  threshold: {
    read: (body, purpose) =>
      drafted(readThresholdBody(body, purpose), ({ id, ...fields }) => ({
        id,
        entry: (kept) => ({ ...fields, ...kept }),
      })),
    tenantOf: ({ tenant }) => tenant,
    fixed: ['tenant'],
    overlapping: () => null,
  },
};

export interface EntryInput<Kind extends EditableKind> {
  readonly kind: Kind;
  /** Null: a new one. */
  readonly id: string | null;
  readonly body: unknown;
}

/** An entry that may be put, decided on what the view shows. */
export interface ProposedEntry<Kind extends EditableKind> {
  readonly kind: 'ok';
  readonly id: string;
  readonly tenant: string | null;
  readonly before: CatalogueEntries[Kind] | null;
  readonly entry: CatalogueEntries[Kind];
}

/** `newId` is asked where neither the request nor its body names one. */
export function proposeEntry<Kind extends EditableKind>(
  view: Pick<CatalogueView, 'all' | 'get'>,
  { kind, id, body }: EntryInput<Kind>,
  now: number,
  newId: () => string,
): ProposedEntry<Kind> | Refused {
  const rules: Rules<CatalogueEntries[Kind]> = RULES[kind];
  const read = rules.read(body, id === null ? 'create' : 'replace');
  if (read.kind === 'invalid') return read;
  const { value: draft } = read;
  const known = id ?? draft.id ?? newId();
  const before = view.get(kind, known);
  const version = before?.version ?? 0;
  if (id === null && before !== null) return { kind: 'version_conflict', version };
  if (id !== null && before === null) return { kind: 'not_found' };
  if ((draft.expectedVersion ?? version) !== version) return { kind: 'version_conflict', version };
  const createdAt = before?.createdAt ?? now;
  const entry = draft.entry({ id: known, version: version + 1, createdAt });
  const problems = before === null ? [] : changesOf(rules.fixed, before, entry);
  if (problems.length > 0) return { kind: 'invalid', problems };
  const other = rules.overlapping(entry, view.all(kind));
  if (other !== null) return { kind: 'overlap', with: other.id };
  return { kind: 'ok', id: known, tenant: rules.tenantOf(entry), before, entry };
}

function changesOf<Entry>(
  fixed: readonly (keyof Entry & string)[],
  before: Entry,
  entry: Entry,
): readonly FieldProblem[] {
  return fixed
    .filter((name) => before[name] !== entry[name])
    .map((name) => ({
      pointer: `/${name}`,
      code: 'invalid_body',
      detail: `Must stay ${JSON.stringify(before[name])}.`,
    }));
}

function drafted<Fields extends { readonly expectedVersion: number | null }, Entry>(
  read: BodyRead<Fields>,
  draft: (fields: Omit<Fields, 'expectedVersion'>) => Omit<Draft<Entry>, 'expectedVersion'>,
): BodyRead<Draft<Entry>> {
  if (read.kind === 'invalid') return read;
  const { expectedVersion, ...fields } = read.value;
  return { kind: 'ok', value: { ...draft(fields), expectedVersion } };
}
