/** Why a log gives nothing of what it must hold: because it is shorter than it was, or only just now. */
import { ApuraError } from '../../domain/errors.ts';
import type { EventLog } from '../../ports/event-log.ts';

/**
 * A reading that comes back empty is no proof that blocks are gone: a new leader of a replicated log holds
 * them, but gives them only when it has learned how far they were confirmed. Where the log ends it says for
 * certain, or not at all.
 *
 * @param from a block that was applied or folded, and of which the log gave nothing.
 * @returns `log_rewound`, or `log_unavailable` where the log reaches beyond `from`.
 * @throws whatever the log throws that is asked where it ends.
 */
export async function missingBlocks(
  log: Pick<EventLog, 'bounds'>,
  partition: number,
  from: number,
): Promise<ApuraError> {
  const { end } = await log.bounds(partition);
  return end > from
    ? new ApuraError(
        'log_unavailable',
        `Partition ${partition} ends at ${end}, but gives nothing from ${from} on just now.`,
      )
    : new ApuraError(
        'log_rewound',
        `Partition ${partition} of the log ends at ${end}; block ${from} was there before.`,
      );
}
