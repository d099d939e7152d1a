/** Ties what lies in a schema to its log: a fold of another log would not be told from damage. */
import { ApuraError } from '../../domain/errors.ts';
import type { PostgresDatabase } from './database.ts';

/** What a schema may hold of a log: the ledger of votes, that of pulses, the rating book. */
export type LogBinding = 'logId' | 'pulseLogId' | 'usageLogId';

/** @throws ApuraError `log_mismatch`: it belongs to another log. */
export async function bindToLog(
  database: PostgresDatabase,
  name: LogBinding,
  logId: string,
): Promise<void> {
  await database.rows('INSERT INTO meta VALUES ($1, $2) ON CONFLICT DO NOTHING', [name, logId]);
  const [row] = await database.rows('SELECT value FROM meta WHERE name = $1', [name]);
  if (row?.value === logId) return;
  throw new ApuraError(
    'log_mismatch',
    `The schema belongs to the log ${row?.value}, not to ${logId}.`,
  );
}
