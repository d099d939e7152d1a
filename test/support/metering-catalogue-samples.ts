/** Entries and acts for the tests of the metering catalogue and of what stands on it: plain defaults. */
import type { EntryChange, EntryKind, MeteringAct } from '../../src/ports/metering-catalogue.ts';

export function meteringAct(fields: Partial<MeteringAct> = {}): MeteringAct {
  return {
    at: 1_000,
    actor: 'operator',
    act: 'update',
    kind: 'contract',
    id: 'c-1',
    tenant: 'acme',
    detail: null,
    ...fields,
  };
}

/** A change of acme's contract c-1; its act is of the same entry unless told. */
export function entryChange(fields: Partial<EntryChange<EntryKind>> = {}): EntryChange<EntryKind> {
  const { kind = 'contract', id = 'c-1', tenant = 'acme', expectedVersion = 0 } = fields;
  return {
    kind,
    id,
    tenant,
    expectedVersion,
    expectedRevision: null,
    body: `{"version":${expectedVersion + 1}}`,
    act: meteringAct({ kind, id, tenant }),
    ...fields,
  };
}
