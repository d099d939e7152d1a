/** What an audit holds against the log, wherever the stores are. */
import type { Audited } from '../application/counting/audit.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { LiveTally } from '../ports/live-tally.ts';

/** Told how far a fold has got in a partition. */
export type OnProgress = (partition: number, offset: number, end: number) => void;

export function auditedStores(
  tally: Pick<LiveTally, 'read'>,
  ledger: Pick<Ledger, 'read' | 'recount'>,
): Audited[] {
  return [
    { name: 'tally', read: (partition) => tally.read(partition) },
    { name: 'ledger windows', read: (partition) => ledger.read(partition) },
    { name: 'ledger rows', read: (partition) => ledger.recount(partition) },
  ];
}
