/** What `apura aggregate --once` says when its one run is over. */
import type { CliIo, ExitCode } from './cli-io.ts';

/** What one run over the partitions of this process came to. */
export interface Aggregated {
  readonly logId: string;
  /** Of the log. */
  readonly partitions: number;
  /** Of these, the ones that the group gave this process. */
  readonly owned: number;
  readonly counted: number;
  readonly duplicates: number;
  readonly conflicts: number;
  /** Usage records that went on their way to rating. */
  readonly usageRecords: number;
  /** Blocks of the log that the ledger had still to take, of the owned partitions; null: not known. */
  readonly behindBefore: number | null;
  readonly behindAfter: number | null;
  /** Partitions in which something failed. */
  readonly failed: number;
  /** Why, in words. */
  readonly failures: readonly string[];
  /** Told to stop before its end. */
  readonly stopped: boolean;
}

/** Tells it; resolves to 1 where a partition failed, or where the run was told to stop. */
export async function tellAggregated(aggregated: Aggregated, io: CliIo): Promise<ExitCode> {
  const { logId, partitions, owned, behindBefore, behindAfter, failed, stopped } = aggregated;
  const { counted, duplicates, conflicts, usageRecords } = aggregated;
  const others = owned === partitions ? '' : '; other processes have the rest';
  const number = (value: number): string => value.toLocaleString('en-US');
  const behind = (blocks: number | null): string => (blocks === null ? 'unknown' : number(blocks));
  await io.stdout(
    `One run over ${owned} of ${partitions} partitions (log ${logId})${others}.\n` +
      `  pulses         ${number(counted)} counted, ${number(duplicates)} duplicates, ${number(conflicts)} conflicts\n` +
      `  usage records  ${number(usageRecords)} sent\n` +
      `  blocks behind  ${behind(behindBefore)} before, ${behind(behindAfter)} after\n`,
  );
  for (const failure of aggregated.failures) io.stderr(`${failure}\n`);
  if (failed > 0) io.stderr(`${failed} of ${owned} partitions failed; the next run tries again.\n`);
  if (stopped) io.stderr('Told to stop before the end.\n');
  return failed > 0 || stopped ? 1 : 0;
}
