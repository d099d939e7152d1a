/** Pulses for a load: encoded once, and given new ids and times where they lie, which costs next to nothing. */
import { encodePulseTexts } from '../src/domain/metering/pulse-codec.ts';
import { varintLength } from '../src/domain/metering/wire-varint.ts';

export interface TemplateOptions {
  /** Pulses of the request, each with an id of 36 characters, without attributes. */
  readonly pulses: number;
  /** 0 to 65,535: part of every id, so that ids of two templates are never the same. */
  readonly writer: number;
  /** The pulses are of these tenants in turn, and of three SKUs of each. */
  readonly tenants: readonly string[];
  /** When they were consumed, ms since the Unix epoch: whole seconds are used. */
  readonly occurredAt: number;
}

const SKUS = ['api.calls', 'storage', 'egress'] as const;
const TAG_PULSES = 0x0a;
const ID_START = '0199f0c2-4c1e-7d3a';
const NUMBER_DIGITS = 12;
/** Of the id's number, where its field is the message's first. */
const NUMBER_AT = 2 + ID_START.length + '-0000-'.length;
const SECONDS_BYTES = 5;
const NANOS = 123_000_000;
/** Amounts are texts of two decimals: whole numbers of 10^-18 for each of their hundredths. */
const HUNDREDTH = 10n ** 16n;

const HEX = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

export function tenantName(tenant: number): string {
  return `tenant-${String(tenant).padStart(3, '0')}`;
}

export function tenantNames(tenants: number): readonly string[] {
  return Array.from({ length: tenants }, (_, tenant) => tenantName(tenant));
}

/** One IngestRequest, over and over. */
export class PulseTemplate {
  readonly pulses: number;
  /** An IngestRequest, as it is after the last change. */
  readonly bytes: Uint8Array;
  /** `[start, end)` of each message. */
  readonly start: Uint32Array;
  readonly end: Uint32Array;
  /** What the pulses come to, in whole numbers of 10^-18. */
  readonly sum: bigint;
  #number = 0;

  constructor({ pulses, writer, tenants, occurredAt }: TemplateOptions) {
    const messages: Uint8Array[] = [];
    let sum = 0n;
    for (let index = 0; index < pulses; index += 1) {
      const hundredths = 1_000 + ((index * 7_919) % 9_000);
      sum += BigInt(hundredths) * HUNDREDTH;
      messages.push(
        encodePulseTexts({
          id: `${ID_START}-${writer.toString(16).padStart(4, '0')}-${'0'.repeat(NUMBER_DIGITS)}`,
          source: 'gateway-1',
          tenant: tenants[index % tenants.length] ?? '',
          sku: SKUS[Math.floor(index / tenants.length) % SKUS.length] ?? '',
          amount: (hundredths / 100).toFixed(2),
          unit: 'call',
          occurredAt: { seconds: Math.floor(occurredAt / 1_000), nanos: NANOS },
        }),
      );
    }
    this.pulses = pulses;
    this.sum = sum;
    this.start = new Uint32Array(pulses);
    this.end = new Uint32Array(pulses);
    this.bytes = new Uint8Array(messages.reduce((all, { length }) => all + 2 + length, 0));
    let at = 0;
    for (const [index, message] of messages.entries()) {
      // A message of less than 128 bytes has its length in one.
      this.bytes.set([TAG_PULSES, message.length], at);
      this.bytes.set(message, at + 2);
      this.start[index] = at + 2;
      at += 2 + message.length;
      this.end[index] = at;
    }
  }

  /** Gives every pulse an id that none has had before. */
  renew(): void {
    for (let index = 0; index < this.pulses; index += 1) {
      let number = this.#number;
      this.#number += 1;
      const first = (this.start[index] as number) + NUMBER_AT;
      for (let at = first + NUMBER_DIGITS - 1; at >= first; at -= 1) {
        this.bytes[at] = HEX[number % 16] as number;
        number = Math.floor(number / 16);
      }
    }
  }

  /** `seconds` since the Unix epoch, after January 2001 and before 2106. */
  setTime(index: number, seconds: number): void {
    const first = (this.end[index] as number) - varintLength(NANOS) - 1 - SECONDS_BYTES;
    let rest = seconds;
    for (let byte = 0; byte < SECONDS_BYTES; byte += 1) {
      this.bytes[first + byte] = (rest % 128) | (byte < SECONDS_BYTES - 1 ? 128 : 0);
      rest = Math.floor(rest / 128);
    }
  }
}
