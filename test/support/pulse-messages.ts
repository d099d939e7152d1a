/**
 * Pulses as a Protobuf library that nobody here wrote reads and writes them, after the contract itself,
 * and the rules of a door in their plainest form: what scan and codec are held against.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  create,
  createFileRegistry,
  type DescMessage,
  fromBinary,
  type Message,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema, type Timestamp } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import {
  FUTURE_MS_MAX,
  LATENESS_MS,
  type PulseRejection,
} from '../../src/domain/metering/pulse.ts';

const contract = createFileRegistry(
  fromBinary(
    FileDescriptorSetSchema,
    readFileSync(join(import.meta.dir, '../../proto/baseline.binpb')),
  ),
);

/** A message of the contract, by its name. */
export function messageType(name: string): DescMessage {
  const type = contract.getMessage(`apura.metering.v1.${name}`);
  if (type === undefined) throw new Error(`The contract has no ${name}.`);
  return type;
}

const PULSE = messageType('Pulse');
const INGEST_REQUEST = messageType('IngestRequest');

/** A pulse as the contract's fields have it. */
export interface ContractPulse {
  readonly id: string;
  readonly source: string;
  readonly tenant: string;
  readonly productSku: string;
  readonly usedAmount: string;
  readonly useUnity: string;
  readonly occurredAt?: Pick<Timestamp, 'seconds' | 'nanos'>;
  readonly attributes: Readonly<Record<string, string>>;
}

export function writePulse(pulse: ContractPulse): Uint8Array {
  const { occurredAt, ...rest } = pulse;
  return toBinary(PULSE, create(PULSE, occurredAt === undefined ? rest : { ...rest, occurredAt }));
}

/** Throws where the bytes are no pulse. */
export function readPulse(bytes: Uint8Array): ContractPulse {
  return fromBinary(PULSE, bytes) as Message & ContractPulse;
}

export function writeRequest(pulses: readonly ContractPulse[], allowBackfill = false): Uint8Array {
  const messages = pulses.map((pulse) => readPulse(writePulse(pulse)));
  return toBinary(INGEST_REQUEST, create(INGEST_REQUEST, { pulses: messages, allowBackfill }));
}

/** An instant of the tests, ms since the Unix epoch. */
export const NOW = Date.UTC(2026, 9, 24, 12);

export function timeAt(ms: number): Pick<Timestamp, 'seconds' | 'nanos'> {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}

/** A pulse that every door takes, save for what is said of it. */
export function contractPulse(fields: Partial<ContractPulse> = {}): ContractPulse {
  return {
    id: '0199f0c2-4c1e-7d3a-9b52-6b1f0e8a7c11',
    source: 'gateway-1',
    tenant: 'acme',
    productSku: 'api.calls',
    usedAmount: '12.50',
    useUnity: 'call',
    occurredAt: timeAt(NOW - 60_000),
    attributes: { region: 'eu-1' },
    ...fields,
  };
}

const text = (bytesMax: number): fc.Arbitrary<string> =>
  fc
    .oneof(
      { weight: 4, arbitrary: fc.stringMatching(/^[a-zA-Z0-9._-]{1,40}$/) },
      { weight: 2, arbitrary: fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('', 'tab\there', 'del\u007f', 'nel\u0085', '\ufeffbom'),
      },
      {
        weight: 1,
        arbitrary: fc
          .constantFrom(bytesMax - 1, bytesMax, bytesMax + 1)
          .map((length) => 'x'.repeat(length)),
      },
    )
    .filter((value) => value.isWellFormed());
const digits = (max: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[0-9]{1,${max}}$`));
const decimals = fc
  .tuple(fc.constantFrom('', '-'), digits(20), fc.option(digits(18)))
  .map(([sign, whole, fraction]) => sign + whole + (fraction === null ? '' : `.${fraction}`));
const amounts = fc.oneof(
  { weight: 6, arbitrary: decimals },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...['', '-', '.5', '5.', '1e3', '+1', ' 1', '1,5', '--1', '1.2.3', '１', '-.1', '0x10'],
      '9'.repeat(20),
      '9'.repeat(21),
      `1.${'9'.repeat(18)}`,
      `1.${'9'.repeat(19)}`,
      `-${'9'.repeat(20)}.${'9'.repeat(18)}`,
    ),
  },
);
const HOUR = 3_600_000;
const times = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.integer({ min: -30 * 24, max: 0 }).map((h) => timeAt(NOW + h * HOUR)),
  },
  { weight: 1, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...[0, 1, NOW - LATENESS_MS - 1, NOW - LATENESS_MS, NOW + FUTURE_MS_MAX].map(timeAt),
      ...[NOW + FUTURE_MS_MAX + 1, 253_402_300_799_999, 253_402_300_800_000, -1].map(timeAt),
      { seconds: 5n, nanos: -1 },
      { seconds: 5n, nanos: 1_000_000_000 },
      { seconds: 2n ** 62n, nanos: 0 },
    ),
  },
);

/** Any pulse that a sender could write: most are right, the others break any of the rules. */
export const contractPulses: fc.Arbitrary<ContractPulse> = fc
  .record({
    id: text(128),
    source: text(128),
    tenant: fc.oneof(fc.constantFrom('acme', ''), text(64)),
    productSku: text(64),
    usedAmount: amounts,
    useUnity: text(32),
    occurredAt: times,
    attributes: fc.oneof(
      fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), text(256), { maxKeys: 3 }),
      fc.dictionary(text(64), text(256), { maxKeys: 18 }),
    ),
  })
  .map(({ occurredAt, ...rest }) => (occurredAt === undefined ? rest : { ...rest, occurredAt }));

export interface NaiveCaller {
  readonly tenant: string | null;
  readonly allowsBackfill: boolean;
}

/** What a door makes of a message, by the contract's own reader and the rules one by one. */
export function naiveRejection(bytes: Uint8Array, caller: NaiveCaller): PulseRejection | null {
  if (bytes.length > 8_192) return 'pulse_too_large';
  let pulse: ContractPulse;
  try {
    pulse = readPulse(bytes);
  } catch {
    return 'malformed';
  }
  const texts = [pulse.id, pulse.source, pulse.tenant, pulse.productSku, pulse.useUnity];
  const attributes = Object.entries(pulse.attributes);
  if (pulse.id === '') return 'id_missing';
  if (size(pulse.id) > 128) return 'id_too_long';
  if (pulse.source === '') return 'source_missing';
  if (size(pulse.source) > 128) return 'source_too_long';
  if (size(pulse.tenant) > 64) return 'tenant_too_long';
  if (pulse.productSku === '') return 'sku_missing';
  if (size(pulse.productSku) > 64) return 'sku_too_long';
  if (pulse.useUnity === '') return 'unit_missing';
  if (size(pulse.useUnity) > 32) return 'unit_too_long';
  if ([...texts, ...attributes.flat()].some((value) => /\p{Cc}/u.test(value))) {
    return 'control_character';
  }
  if (pulse.usedAmount === '') return 'amount_missing';
  if (!/^-?[0-9]{1,20}(\.[0-9]{1,18})?$/.test(pulse.usedAmount)) return 'amount_invalid';
  if (attributes.length > 16) return 'too_many_attributes';
  if (attributes.some(([name, value]) => name === '' || size(name) > 64 || size(value) > 256)) {
    return 'attribute_too_long';
  }
  if (pulse.occurredAt === undefined) return 'occurred_at_missing';
  const { seconds, nanos } = pulse.occurredAt;
  const inYears = seconds >= 0n && seconds < 253_402_300_800n && nanos >= 0 && nanos < 1e9;
  if (!inYears) return 'occurred_at_invalid';
  if (pulse.tenant === '' && caller.tenant === null) return 'tenant_missing';
  if (pulse.tenant !== '' && caller.tenant !== null && pulse.tenant !== caller.tenant) {
    return 'tenant_mismatch';
  }
  const at = Number(seconds) * 1000 + Math.floor(nanos / 1e6);
  if (at > NOW + 3_600_000) return 'in_future';
  if (at < NOW - 35 * 86_400_000 && !caller.allowsBackfill) return 'too_old';
  return null;
}

function size(value: string): number {
  return Buffer.byteLength(value);
}
