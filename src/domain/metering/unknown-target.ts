/** The dead letter of an act whose pulse is not there: it is kept, and can be sent again once the pulse is. */
import { type DeadLetterReport, deadLetterId, type Sha256 } from './dead-letter.ts';
import { encodePulseAct, type PulseActRecord } from './pulse-act.ts';

/** Its bytes are the act's as a control block has them, so that the same act is always the same letter. */
export function unknownTarget(
  act: PulseActRecord & { readonly offset: number },
  place: { readonly logId: string; readonly partition: number },
  failedAt: number,
  sha256: Sha256,
): DeadLetterReport {
  const { kind, actId, target, amount, reason, actor, at, offset } = act;
  const bytes = encodePulseAct({ kind, actId, target, amount, reason, actor, at });
  const queue = 'resource-consumption.dlq';
  return {
    id: deadLetterId(queue, bytes, sha256),
    queue,
    bytes,
    origin: { ...place, offset, index: null },
    tenant: null,
    code: 'act_target_unknown',
    message: `The ledger holds no pulse ${target} in this partition.`,
    failedAt,
  };
}
