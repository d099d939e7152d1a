/** Writes pulses, their conflicts and dead letters as the API shows them. */
import type { Decimal } from '../../domain/counting/decimal.ts';
import { formatShortest } from '../../domain/counting/exact-decimal.ts';
import { formatAmount } from '../../domain/metering/amount.ts';
import type { DeadLetter } from '../../domain/metering/dead-letter.ts';
import type { Pulse } from '../../domain/metering/pulse.ts';
import { rfc3339Of } from '../../domain/voting/rfc3339.ts';
import type { MeteringAct } from '../../ports/metering-catalogue.ts';
import type { PulseAct, PulseConflict, StoredPulse } from '../../ports/pulse-ledger.ts';
import { timeOrNull } from './poll-json.ts';

export function storedPulseJson(stored: StoredPulse) {
  return {
    ...pulseJson(stored.pulse),
    state: stored.state,
    countedAmount: formatAmount(stored.amount),
    receivedAt: rfc3339Of(stored.receivedAt),
    storedAt: rfc3339Of(stored.storedAt),
    duplicates: stored.duplicates,
    conflicts: stored.conflicts,
    acts: stored.acts.map(pulseActJson),
    key: stored.key,
    partition: stored.partition,
    offset: stored.offset,
  };
}

export function conflictJson({ key, pulse, receivedAt, partition, offset }: PulseConflict) {
  return { ...pulseJson(pulse), receivedAt: rfc3339Of(receivedAt), key, partition, offset };
}

function pulseJson({ occurredAt, amount, ...pulse }: Pulse) {
  const { id, source, tenant, sku, unit, attributes } = pulse;
  return {
    id,
    source,
    tenant,
    sku,
    unit,
    amount: asSent(amount),
    occurredAt: rfc3339Of(occurredAt),
    attributes,
  };
}

function asSent(amount: Decimal): string {
  return formatShortest(amount);
}

function pulseActJson({ actId, kind, amount, reason, actor, at }: PulseAct) {
  return {
    actId,
    kind,
    amount: amount === null ? null : formatAmount(amount),
    reason,
    actor,
    at: rfc3339Of(at),
  };
}

/** Without its bytes: they may be those of a whole block. */
export function letterJson(letter: DeadLetter) {
  return {
    id: letter.id,
    queue: letter.queue,
    state: letter.state,
    code: letter.code,
    message: letter.message,
    tenant: letter.tenant,
    origin: letter.origin,
    attempts: letter.attempts,
    firstFailedAt: rfc3339Of(letter.firstFailedAt),
    lastFailedAt: rfc3339Of(letter.lastFailedAt),
    retryAt: timeOrNull(letter.retryAt),
    resolvedBy: letter.resolvedBy,
    resolvedAt: timeOrNull(letter.resolvedAt),
    size: letter.bytes.byteLength,
  };
}

export function wholeLetterJson(letter: DeadLetter) {
  const { buffer, byteOffset, byteLength } = letter.bytes;
  return {
    ...letterJson(letter),
    bytes: Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
  };
}

export function meteringActJson({ at, ...act }: MeteringAct) {
  const { actor, kind, id, tenant, detail } = act;
  return { at: rfc3339Of(at), actor, act: act.act, kind, id, tenant, detail };
}
