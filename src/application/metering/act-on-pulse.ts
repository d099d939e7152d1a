/** Voids or amends a pulse: an act in the log behind it, so that every fold and rebuild meets it again. */
import { encodePulseAct, type PulseActRecord } from '../../domain/metering/pulse-act.ts';
import { isActId, readPulseActBody } from '../../domain/metering/pulse-act-fields.ts';
import { pulseKey } from '../../domain/metering/pulse-identity.ts';
import type { FieldProblem } from '../../domain/voting/poll-fields.ts';
import type { Clock } from '../../ports/clock.ts';
import type { MeteringCatalogue } from '../../ports/metering-catalogue.ts';
import type { PulseLedger, StoredPulse } from '../../ports/pulse-ledger.ts';
import type { PulseName } from './get-pulse.ts';

export interface ActOnPulseDeps {
  readonly ledger: Pick<PulseLedger, 'find' | 'checkpoint'>;
  readonly catalogue: Pick<MeteringCatalogue, 'recordAct'>;
  readonly clock: Clock;
  /** Appends a control record to a partition of the log of pulses. Resolves to its offset. */
  readonly appendControl: (partition: number, payload: Uint8Array) => Promise<number>;
  /** Begins an aggregation at once, where this process can. */
  readonly trigger: () => void;
  readonly newActId: () => string;
  /** Never rejects. */
  readonly sleep: (ms: number) => Promise<void>;
}

export interface PulseActInput extends PulseName {
  readonly act: 'void' | 'amend';
  readonly body: unknown;
  readonly idempotencyKey: string | null;
  readonly actor: string;
}

export type PulseActResult =
  /**
   * The act is durable in the log. `pending`: the ledger has not come to it within the wait, and `pulse` is
   * as it was before; asking for the pulse, or sending the act again, says when it has.
   */
  | {
      readonly kind: 'ok';
      readonly actId: string;
      readonly pending: boolean;
      readonly pulse: StoredPulse;
    }
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] }
  /** The ledger does not know the pulse, or not yet. */
  | { readonly kind: 'not_found' }
  /** The `actId` names another act already; this one was not done. */
  | { readonly kind: 'act_id_taken'; readonly actId: string };

/** How long an act waits for the ledger, ms. */
export const ACT_WAIT_MS = 5_000;
const LOOK_EVERY_MS = 50;

/**
 * Sending the act again with its `actId` changes nothing, whatever became of the first try.
 *
 * @throws ApuraError as EventLog.append, `append_unknown` too: send it again with the same id.
 * @throws as the stores: the act may be in the log.
 */
export async function actOnPulse(
  deps: ActOnPulseDeps,
  input: PulseActInput,
): Promise<PulseActResult> {
  const { ledger, catalogue, clock } = deps;
  const { act: kind, tenant, source, id, actor, idempotencyKey } = input;
  const read = readPulseActBody(kind, input.body);
  if (read.kind === 'invalid') return read;
  const { amount, reason } = read.value;
  const named = read.value.actId ?? idempotencyKey;
  if (named !== null && (!isActId(named) || (idempotencyKey ?? named) !== named)) {
    const detail = 'The Idempotency-Key must be the actId, 1–64 printable ASCII characters.';
    return { kind: 'invalid', problems: [{ pointer: '/actId', code: 'invalid_body', detail }] };
  }
  const target = pulseKey(tenant, source, id);
  const pulse = await ledger.find(target);
  if (pulse === null) return { kind: 'not_found' };
  const actId = named ?? deps.newActId();
  const record: PulseActRecord = { kind, actId, target, amount, reason, actor, at: clock.now() };
  const isDone = pulse.acts.some((act) => act.actId === actId);
  if (isDone) return done(pulse, record);
  const offset = await deps.appendControl(pulse.partition, encodePulseAct(record));
  await catalogue.recordAct({
    at: record.at,
    actor,
    act: kind,
    kind: 'pulse',
    id: target,
    tenant,
    detail: reason,
  });
  deps.trigger();
  const isApplied = await appliedInTime(deps, pulse.partition, offset);
  if (!isApplied) return { kind: 'ok', actId, pending: true, pulse };
  return done((await ledger.find(target)) ?? pulse, record);
}

/** The outcome of an act that the ledger has come to: its id may have been another act's. */
function done(pulse: StoredPulse, { kind, actId, amount }: PulseActRecord): PulseActResult {
  const taken = pulse.acts.find((act) => act.actId === actId);
  if (taken?.kind !== kind || taken.amount !== amount) return { kind: 'act_id_taken', actId };
  return { kind: 'ok', actId, pending: false, pulse };
}

async function appliedInTime(
  { ledger, clock, sleep }: ActOnPulseDeps,
  partition: number,
  offset: number,
): Promise<boolean> {
  const until = clock.monotonic() + ACT_WAIT_MS;
  for (;;) {
    if ((await ledger.checkpoint(partition)).nextOffset > offset) return true;
    if (clock.monotonic() >= until) return false;
    await sleep(LOOK_EVERY_MS);
  }
}
