/** A block as whoever folds the log reads it: what can not be what was appended stops the fold. */
import { type Block, decodeBlock } from '../../domain/counting/block.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { LoggedBlock } from '../../ports/event-log.ts';

/** @throws ApuraError `log_corrupt`: damaged, or sealed for another partition. */
export function decodeLogged(logged: LoggedBlock, partition: number): Block {
  try {
    const block = decodeBlock(logged.bytes);
    if (block.partition === partition) return block;
    throw new ApuraError('block_invalid', `It was sealed for partition ${block.partition}.`);
  } catch (cause) {
    throw corruptBlock(logged, partition, cause);
  }
}

/** A block that can not be what was appended here: nothing behind it may be counted. */
export function corruptBlock(
  { offset }: LoggedBlock,
  partition: number,
  cause: unknown,
): ApuraError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const where = `Block ${offset} of partition ${partition}`;
  return new ApuraError('log_corrupt', `${where}: ${why}`, { cause });
}
