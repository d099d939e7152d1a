/** Reads what a request says about an act on a pulse: why, how much instead, and what it is known by. */
import { parseAmount } from './amount.ts';
import {
  type BodyRead,
  objectOf,
  optional,
  type Reader,
  readBody,
  required,
  wordsOf,
} from './body-reader.ts';
import { AMOUNT_SCALE, AMOUNT_WHOLE_DIGITS_MAX } from './pulse.ts';
import { ACT_REASON_LENGTH_MAX, type PulseActRecord } from './pulse-act.ts';

export interface PulseActFields extends Pick<PulseActRecord, 'amount' | 'reason'> {
  /** Null where the body names none. */
  readonly actId: string | null;
}

const ACT_ID = /^[\x21-\x7e]{1,64}$/;
const AMOUNT = new RegExp(`^-?\\d{1,${AMOUNT_WHOLE_DIGITS_MAX}}(\\.\\d{1,${AMOUNT_SCALE}})?$`);

const readActId: Reader<string> = (value, pointer, problems) => {
  if (typeof value === 'string' && isActId(value)) return value;
  return problems.add(pointer, 'Must be 1–64 printable ASCII characters without blanks.');
};

const readAmount: Reader<bigint> = (value, pointer, problems) => {
  const amount = typeof value === 'string' && AMOUNT.test(value) ? parseAmount(value) : null;
  if (amount !== null) return amount;
  return problems.add(
    pointer,
    `Must be a decimal number in a text, such as "-12.50": at most ${AMOUNT_WHOLE_DIGITS_MAX} digits before the point and ${AMOUNT_SCALE} behind it.`,
  );
};

const NAMING = {
  reason: required(wordsOf(ACT_REASON_LENGTH_MAX)),
  actId: optional<string | null>(readActId, null),
};

/** `{reason, actId?}` of a void, `{reason, amount, actId?}` of an amendment. */
export function readPulseActBody(
  kind: PulseActRecord['kind'],
  body: unknown,
): BodyRead<PulseActFields> {
  if (kind === 'amend') {
    return readBody(body, objectOf<PulseActFields>({ ...NAMING, amount: required(readAmount) }));
  }
  const read = readBody(body, objectOf<Omit<PulseActFields, 'amount'>>(NAMING));
  return read.kind === 'ok' ? { kind: 'ok', value: { ...read.value, amount: null } } : read;
}

export function isActId(text: string): boolean {
  return ACT_ID.test(text);
}
