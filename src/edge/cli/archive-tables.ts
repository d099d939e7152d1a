/** What exports of the archive say of a pulse, and of a vote. */
import type { LoggedPulse } from '../../application/archive/read-archived-pulses.ts';
import type { LoggedVote } from '../../application/archive/read-archived-votes.ts';
import {
  amountColumn,
  type ExportTable,
  numberColumn,
  objectColumn,
  smallNumberColumn,
  textColumn,
  timeColumn,
} from './export-column.ts';

export const PULSE_TABLE: ExportTable<LoggedPulse> = {
  name: 'pulse',
  columns: [
    textColumn('key', ({ key }) => key),
    textColumn('id', ({ pulse }) => pulse.id),
    textColumn('source', ({ pulse }) => pulse.source),
    textColumn('tenant', ({ pulse }) => pulse.tenant),
    textColumn('product_sku', ({ pulse }) => pulse.sku),
    amountColumn('used_amount', ({ pulse }) => pulse.amount),
    textColumn('use_unity', ({ pulse }) => pulse.unit),
    timeColumn('occurred_at', ({ pulse }) => pulse.occurredAt),
    timeColumn('received_at', ({ receivedAt }) => receivedAt),
    smallNumberColumn('partition', ({ partition }) => partition),
    numberColumn('offset', ({ offset }) => offset),
    objectColumn('attributes', ({ pulse }) => pulse.attributes),
  ],
};

export const VOTE_TABLE: ExportTable<LoggedVote> = {
  name: 'vote',
  columns: [
    textColumn('id', ({ id }) => id),
    textColumn('poll', ({ scope }) => scope),
    textColumn('option', ({ item }) => item),
    textColumn('lane', ({ lane }) => lane),
    timeColumn('accepted_at', ({ acceptedAt }) => acceptedAt),
    timeColumn('logged_at', ({ loggedAt }) => loggedAt),
    smallNumberColumn('partition', ({ partition }) => partition),
    numberColumn('offset', ({ offset }) => offset),
  ],
};
