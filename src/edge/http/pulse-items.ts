/**
 * Takes pulses that came one by one as something else than Protobuf: those that could not be read are
 * rejected each for itself, the others go to the door together.
 */
import {
  PULSE_REJECTIONS,
  PULSES_PER_REQUEST_MAX,
  type PulseRejection,
} from '../../domain/metering/pulse.ts';
import { encodeIngestRequest } from '../../domain/metering/pulse-codec.ts';
import {
  isRefusal,
  type PulseIngest,
  type PulseRefusal,
  type PulseSender,
  refusal,
} from './pulse-ingest.ts';

/**
 * Why an item can not be made a pulse of, beside the rejections of doors: no CloudEvent 1.0, an amount
 * that is a JSON number and so has lost digits already, a field of the wrong type, or one that is not known.
 */
type ItemRejection =
  | PulseRejection
  | 'event_invalid'
  | 'amount_not_text'
  | 'field_invalid'
  | 'unknown_field';

export type PulseItem =
  /** A Pulse message, right or wrong. */
  | { readonly kind: 'pulse'; readonly bytes: Uint8Array }
  | { readonly kind: 'unreadable'; readonly code: ItemRejection; readonly message: string };

/** Code and message where it was rejected; null where it is durable. */
export type ItemResult = { readonly code: ItemRejection; readonly message: string } | null;

/** One result for each item, in their order. Never rejects. */
export async function takeItems(
  pulses: Pick<PulseIngest, 'take'>,
  sender: PulseSender,
  items: readonly PulseItem[],
  allowsBackfill: boolean,
): Promise<readonly ItemResult[] | PulseRefusal> {
  if (items.length > PULSES_PER_REQUEST_MAX) {
    return refusal('too_many_pulses', `A request holds at most ${PULSES_PER_REQUEST_MAX} pulses.`);
  }
  const results = items.map((item): ItemResult => (item.kind === 'pulse' ? null : item));
  const readable = items.flatMap((item) => (item.kind === 'pulse' ? [item.bytes] : []));
  // A request of nothing but what can't be read is answered here: the door would find it empty.
  if (readable.length === 0 && items.length > 0) return results.map(plain);
  const answer = await pulses.take(encodeIngestRequest(readable, allowsBackfill), sender);
  if (isRefusal(answer)) return answer;
  const places = items.flatMap((item, place) => (item.kind === 'pulse' ? [place] : []));
  for (const { index, code } of answer.rejections) {
    results[places[index] as number] = { code, message: PULSE_REJECTIONS[code] };
  }
  return results.map(plain);
}

function plain(result: ItemResult): ItemResult {
  return result === null ? null : { code: result.code, message: result.message };
}

export function unreadable(code: ItemRejection, message: string): PulseItem {
  return { kind: 'unreadable', code, message };
}
