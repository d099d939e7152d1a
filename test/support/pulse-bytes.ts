/** Pulses as Protobuf, written by the book: slow, and independent of the code that is under test. */
import { formatDecimal } from '../../src/domain/counting/decimal.ts';
import type { Pulse } from '../../src/domain/metering/pulse.ts';

const LENGTH_DELIMITED = 2;
const VARINT = 0;

export function encodedPulse(pulse: Pulse): Uint8Array {
  const seconds = Math.floor(pulse.occurredAt / 1_000);
  const nanos = (pulse.occurredAt - seconds * 1_000) * 1_000_000;
  const texts = [
    pulse.id,
    pulse.source,
    pulse.tenant,
    pulse.sku,
    formatDecimal(pulse.amount),
    pulse.unit,
  ];
  return new Uint8Array([
    ...texts.flatMap((text, index) => textField(index + 1, text)),
    ...messageField(7, [...numberField(1, seconds), ...numberField(2, nanos)]),
    ...Object.entries(pulse.attributes).flatMap(([name, value]) =>
      messageField(8, [...textField(1, name), ...textField(2, value)]),
    ),
  ]);
}

function textField(number: number, text: string): readonly number[] {
  return messageField(number, [...new TextEncoder().encode(text)]);
}

function messageField(number: number, bytes: readonly number[]): readonly number[] {
  return [...varint(number * 8 + LENGTH_DELIMITED), ...varint(bytes.length), ...bytes];
}

/** Proto3 leaves zeros out. */
function numberField(number: number, value: number): readonly number[] {
  return value === 0 ? [] : [...varint(number * 8 + VARINT), ...varint(value)];
}

function varint(value: number): readonly number[] {
  const low = value % 128;
  const rest = Math.floor(value / 128);
  return rest === 0 ? [low] : [low + 128, ...varint(rest)];
}
