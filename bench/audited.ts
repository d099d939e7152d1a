/** Holds a data folder to its log with the program's own audit, once nobody works on it any more. */
import { runToEnd } from './child.ts';
import { apura } from './programs.ts';

export interface Audited {
  readonly logged: number;
  readonly counted: number;
  readonly duplicate: number;
}

interface AuditReport {
  readonly partitions: readonly { readonly books: readonly Audited[] }[];
}

/** The books of the whole log. @throws unless `apura audit` ends with exit code 0. */
export function audited(folder: string): Promise<Audited> {
  return auditedWith({ APURA_DATA: folder });
}

/** As `audited`, of an installation that these settings name. */
export async function auditedWith(env: Readonly<Record<string, string>>): Promise<Audited> {
  const output = await runToEnd(apura('audit', '--json'), { env });
  const { partitions } = JSON.parse(output) as AuditReport;
  const books = partitions.flatMap((partition) => partition.books);
  const sum = (key: keyof Audited): number => books.reduce((total, b) => total + b[key], 0);
  return { logged: sum('logged'), counted: sum('counted'), duplicate: sum('duplicate') };
}

/** As `audited`, for a folder whose log nobody has counted: makes both stores from it first. */
export async function countedAndAudited(folder: string): Promise<Audited> {
  for (const store of ['tally', 'ledger']) {
    await runToEnd(apura('rebuild', store), { env: { APURA_DATA: folder } });
  }
  return audited(folder);
}
