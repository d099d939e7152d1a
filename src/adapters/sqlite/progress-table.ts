/**
 * How far a store on SQLite is in each partition, and who owns it: what every store that moves by fenced
 * steps keeps beside its content. The caller holds the transaction.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Checkpoint, START } from '../../domain/counting/checkpoint.ts';
import type { CommitOutcome } from '../../ports/store-step.ts';
import { numberOf } from './row-values.ts';

export const PROGRESS_TABLE = `
  CREATE TABLE progress (
    partition INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    log_time INTEGER NOT NULL,
    window_start_offset INTEGER NOT NULL,
    last_block_crc INTEGER NOT NULL
  ) STRICT;
`;

/** What a step says of its place, whatever it carries. */
export interface StepPlace {
  readonly partition: number;
  readonly epoch: number;
  readonly from: number;
  readonly checkpoint: Checkpoint;
}

export class ProgressTable {
  readonly #find: StatementSync;
  readonly #set: StatementSync;
  readonly #raiseEpoch: StatementSync;

  constructor(database: DatabaseSync) {
    this.#find = database.prepare('SELECT * FROM progress WHERE partition = ?');
    this.#set = database.prepare(`
      UPDATE progress
      SET next_offset = ?2, log_time = ?3, window_start_offset = ?4, last_block_crc = ?5
      WHERE partition = ?1`);
    this.#raiseEpoch = database.prepare(`
      INSERT INTO progress VALUES (?, 1, 0, 0, 0, 0)
      ON CONFLICT DO UPDATE SET epoch = epoch + 1
      RETURNING epoch`);
  }

  /** Fences whoever holds the partition; gives the new epoch. */
  raiseEpoch(partition: number): number {
    return numberOf(this.#raiseEpoch.get(partition)?.epoch);
  }

  /** What becomes of the step. Only `applied` is still to be done, by `moveTo` and by the content. */
  judge(step: StepPlace): CommitOutcome {
    const row = this.#find.get(step.partition);
    if (row === undefined || row.epoch !== step.epoch) return 'fenced';
    const next = numberOf(row.next_offset);
    if (step.checkpoint.nextOffset <= next) return 'already-applied';
    return step.from === next ? 'applied' : 'misaligned';
  }

  moveTo(partition: number, to: Checkpoint): void {
    const { nextOffset, logTime, windowStartOffset, lastBlockCrc } = to;
    this.#set.run(partition, nextOffset, logTime, windowStartOffset, lastBlockCrc);
  }

  checkpoint(partition: number): Checkpoint {
    const row = this.#find.get(partition);
    if (row === undefined) return START;
    return {
      nextOffset: numberOf(row.next_offset),
      logTime: numberOf(row.log_time),
      windowStartOffset: numberOf(row.window_start_offset),
      lastBlockCrc: numberOf(row.last_block_crc),
    };
  }
}
