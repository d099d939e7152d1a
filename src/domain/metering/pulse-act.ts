/** Acts on pulses as they stand in the log: append-only corrections, met by every fold at the same place. */
import { ApuraError } from '../errors.ts';
import { StrictJson } from '../strict-json.ts';

/** Takes a pulse out of usage, or puts another amount in place of its own. Idempotent by `actId`. */
export interface PulseActRecord {
  readonly kind: 'void' | 'amend';
  readonly actId: string;
  /** Pulse key, 32 hex digits. */
  readonly target: string;
  /** In 10^-AMOUNT_SCALE; null for a void. */
  readonly amount: bigint | null;
  readonly reason: string;
  readonly actor: string;
  /** ms since the Unix epoch. */
  readonly at: number;
}

export const ACT_REASON_LENGTH_MAX = 500;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const isAnyText = (text: string): boolean => text.length > 0;

/** The payload of a control block in a partition of pulses. */
export function encodePulseAct(record: PulseActRecord): Uint8Array {
  return encoder.encode(
    JSON.stringify({ ...record, amount: record.amount === null ? null : String(record.amount) }),
  );
}

/** @throws ApuraError `block_invalid`: not an act that was encoded here. */
export function decodePulseAct(payload: Uint8Array): PulseActRecord {
  let text: string;
  try {
    text = decoder.decode(payload);
  } catch (cause) {
    throw new ApuraError('block_invalid', 'An act on a pulse is not UTF-8.', { cause });
  }
  const act = StrictJson.parse(text, 'act', 'block_invalid').object([
    'kind',
    'actId',
    'target',
    'amount',
    'reason',
    'actor',
    'at',
  ]);
  const kind = act.kind.oneOf(['void', 'amend'] as const);
  const amount = act.amount.orNull((value) =>
    BigInt(value.text((digits) => /^-?\d{1,38}$/.test(digits))),
  );
  if ((amount === null) !== (kind === 'void')) {
    throw new ApuraError('block_invalid', 'An amended pulse has an amount, a voided one has none.');
  }
  return {
    kind,
    actId: act.actId.text(isAnyText),
    target: act.target.text((key) => /^[0-9a-f]{32}$/.test(key)),
    amount,
    reason: act.reason.text(() => true),
    actor: act.actor.text(isAnyText),
    at: act.at.whole(0),
  };
}
