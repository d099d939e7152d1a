/** How a step comes into Postgres: rows by COPY into the session's own table, then one call that judges them. */
import { finished } from 'node:stream/promises';
import type { PoolClient } from 'pg';
import { from } from 'pg-copy-streams';
import type { CommitOutcome } from '../../ports/store-step.ts';
import { listOf, objectOf, type Row, unexpected } from './database.ts';

export interface CopiedRows {
  /** In COPY's binary format: COPY_HEADER, the rows, COPY_TRAILER. */
  readonly rows: Buffer;
  readonly rowCount: number;
}

/** Signature, no flags, no extension. */
export const COPY_HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
export const COPY_TRAILER = Buffer.from([0xff, 0xff]);

const OUTCOMES = ['applied', 'already-applied', 'misaligned', 'fenced'] as const;

/** Begins the transaction as well: the server takes both statements from one message. */
export async function copyRows(
  client: PoolClient,
  table: string,
  { rows, rowCount }: CopiedRows,
): Promise<void> {
  if (rowCount === 0) {
    await client.query('BEGIN');
    return;
  }
  const stream = client.query(from(`BEGIN; COPY ${table} FROM STDIN (FORMAT binary)`));
  stream.end(rows);
  await finished(stream);
  if (stream.rowCount !== rowCount) {
    throw unexpected(`${stream.rowCount} of ${rowCount} rows that were copied`);
  }
}

/**
 * The call and the COMMIT in one message, which takes no parameters: what the call locks is locked for
 * as long as the server works and no longer, whatever the network does. Resolves to the call's row.
 */
export async function callAndCommit(client: PoolClient, call: string): Promise<Row> {
  // The driver gives a list of results, one a statement, where its types promise a single one.
  const results: unknown = await client.query<Row>(`${call}; COMMIT`);
  const [result] = listOf(results);
  const [row] = listOf(objectOf(result).rows);
  return objectOf(row);
}

export function outcomeOf({ outcome }: Row): CommitOutcome {
  const known = OUTCOMES.find((one) => one === outcome);
  if (known === undefined) throw unexpected(outcome);
  return known;
}
