import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { WRITER } from '../../../test/support/blocks.ts';
import {
  type ContractPulse,
  contractPulse,
  contractPulses,
  NOW,
  naiveRejection,
  timeAt,
  writePulse,
} from '../../../test/support/pulse-messages.ts';
import { decodeBlock, encodePulseBlock, type PulseBlock } from '../counting/block.ts';
import { formatAmount, parseAmount } from './amount.ts';
import { PULSE_BYTES_MAX, PULSE_REJECTIONS } from './pulse.ts';
import { type DecodedPulses, decodePulses } from './pulse-columns.ts';
import { pulseKey, pulseKeyAt } from './pulse-identity.ts';
import { varintLength, writeVarint } from './wire-varint.ts';

function framed(messages: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(
    messages.flatMap((message) => {
      const length = new Uint8Array(varintLength(message.length));
      writeVarint(length, 0, message.length);
      return [...length, ...message];
    }),
  );
}

function pulseBlock(payload: Uint8Array, count: number, blockTime = NOW): PulseBlock {
  const block = decodeBlock(encodePulseBlock(0, blockTime, WRITER, count, payload));
  if (block.kind !== 'pulses') throw new Error(`a block of ${block.kind}`);
  return block;
}

/** The messages of one block, at offset 7. */
function decoded(...messages: readonly Uint8Array[]): DecodedPulses {
  return decodePulses([{ offset: 7, block: pulseBlock(framed(messages), messages.length) }]);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const digestOf = (pulse: ContractPulse | Uint8Array): string => {
  const message = pulse instanceof Uint8Array ? pulse : writePulse(pulse);
  const { columns, failures } = decoded(message);
  expect(failures).toEqual([]);
  return pulseKeyAt(columns.digests, 0);
};
const plus = (...bytes: readonly number[]): Uint8Array =>
  Uint8Array.from([...writePulse(contractPulse()), ...bytes]);

describe('blocks of pulses', () => {
  test('become columns that say of every pulse what its sender wrote, and where it lies', () => {
    const blocks = fc.array(
      fc.record({
        pulses: fc.array(contractPulses, { maxLength: 12 }),
        ahead: fc.integer({ min: 0, max: 90_000 }),
      }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(blocks, (given) => {
        const { columns, failures } = decodePulses(
          given.map(({ pulses, ahead }, index) => ({
            offset: 100 + index,
            block: pulseBlock(framed(pulses.map(writePulse)), pulses.length, NOW + ahead),
          })),
        );
        const all = given.flatMap(({ pulses, ahead }, block) =>
          pulses.map((pulse, index) => ({ pulse, ahead, offset: 100 + block, index })),
        );
        const judged = all.map((one) => ({
          ...one,
          // A log takes pulses of any time: the door has judged it by its clock.
          code: naiveRejection(writePulse(one.pulse), { tenant: null, allowsBackfill: true }),
        }));
        const good = judged.filter(({ code }) => code === null || code === 'in_future');
        const bad = judged.filter(({ code }) => code !== null && code !== 'in_future');
        expect(
          Array.from({ length: columns.count }, (_, at) => ({
            message: hex(columns.bytes.subarray(columns.start[at], columns.end[at])),
            key: pulseKeyAt(columns.keys, at),
            series: columns.series[columns.seriesIndex[at] ?? -1],
            amount: columns.amounts[at],
            occurredAt: columns.occurredAt[at],
            receivedAt: columns.receivedAt[at],
            offset: columns.offset[at],
          })),
        ).toEqual(
          good.map(({ pulse, ahead, offset }) => ({
            message: hex(writePulse(pulse)),
            key: pulseKey(pulse.tenant, pulse.source, pulse.id),
            series: { tenant: pulse.tenant, sku: pulse.productSku, unit: pulse.useUnity },
            amount: parseAmount(pulse.usedAmount) ?? undefined,
            occurredAt:
              Number(pulse.occurredAt?.seconds) * 1000 + (pulse.occurredAt?.nanos ?? 0) / 1e6,
            receivedAt: NOW + ahead,
            offset,
          })),
        );
        expect(failures).toEqual(
          bad.map(({ pulse, offset, index, code }) => ({
            offset,
            index,
            bytes: writePulse(pulse),
            tenant: pulse.tenant === '' ? null : pulse.tenant,
            code: code ?? 'malformed',
            message: PULSE_REJECTIONS[code ?? 'malformed'],
          })),
        );
        expect(new Set(columns.series.map((series) => JSON.stringify(series))).size).toBe(
          columns.series.length,
        );
      }),
      { numRuns: 300 },
    );
  });

  test('without pulses are columns of none', () => {
    expect(decodePulses([])).toMatchObject({ columns: { count: 0, series: [] }, failures: [] });
  });

  test('tell hundreds of series apart', () => {
    const pulses = Array.from({ length: 900 }, (_, n) =>
      contractPulse({ id: `p${n}`, tenant: `t${n % 300}`, useUnity: n % 2 === 0 ? 'GB' : 'GiB' }),
    );
    const { columns } = decoded(...pulses.map(writePulse));
    expect(columns.series).toHaveLength(300);
    for (const [at, pulse] of pulses.entries()) {
      expect(columns.series[columns.seriesIndex[at] ?? -1]).toEqual({
        tenant: pulse.tenant,
        sku: pulse.productSku,
        unit: pulse.useUnity,
      });
    }
  });

  test('tell series apart whose texts lie differently between tenant, sku and unit', () => {
    const texts = [
      ['ab', 'c', 'd'],
      ['a', 'bc', 'd'],
      ['a', 'b', 'cd'],
      ['abc', 'd', 'x'],
      ['ab', 'c', 'e'],
    ];
    const pulses = texts.map(([tenant = '', productSku = '', useUnity = '']) =>
      writePulse(contractPulse({ tenant, productSku, useUnity })),
    );
    expect(decoded(...pulses, ...pulses).columns.series).toHaveLength(5);
  });
});

describe('a pulse of a shape', () => {
  const uuid = '0199f0c2-4c1e-7d3a-9b52-6b1f0e8a7c11';
  const idBytes = (id: string): number[] =>
    id === uuid ? [0, ...Buffer.from(uuid.replaceAll('-', ''), 'hex')] : textOf(id);
  const founder = (pulse: ContractPulse): number[] => [0, 0, ...framed([writePulse(pulse)])];
  const shaped = (number: number, pulse: ContractPulse): number[] => [
    ...[0, number, ...idBytes(pulse.id), ...textOf(pulse.usedAmount)],
    ...new Uint8Array(
      Uint32Array.of(Number(pulse.occurredAt?.seconds), pulse.occurredAt?.nanos ?? 0).buffer,
    ),
  ];
  /** All that there is of it save where its bytes lie. */
  const seen = ({ columns, failures }: DecodedPulses) => ({
    pulses: Array.from({ length: columns.count }, (_, at) => ({
      message: hex(columns.bytes.subarray(columns.start[at], columns.end[at])),
      key: pulseKeyAt(columns.keys, at),
      digest: pulseKeyAt(columns.digests, at),
      series: columns.series[columns.seriesIndex[at] ?? -1],
      amount: columns.amounts[at],
      occurredAt: columns.occurredAt[at],
      receivedAt: columns.receivedAt[at],
      offset: columns.offset[at],
    })),
    failures,
  });
  const common = fc.record({
    source: fc.constantFrom('gateway-1', 'x'.repeat(128)),
    tenant: fc.constantFrom('acme', '', 'umbrella'),
    productSku: fc.constantFrom('api.calls', 'egress'),
    attributes: fc.constantFrom<Record<string, string>>({}, { zone: 'b', region: 'eu-1' }),
  });
  const own = fc.record({
    id: fc.oneof(
      fc.constant(uuid),
      fc.stringMatching(/^[!-~]{1,127}$/),
      fc.constantFrom('tab\there', 'del\u007f', 'p'.repeat(127)),
    ),
    usedAmount: fc.oneof(
      fc.stringMatching(/^-?[0-9]{1,20}(\.[0-9]{1,18})?$/),
      fc.constantFrom('0', '-0.0', '1.50', '1.5', '.5', '5.', '9'.repeat(21), '1e3', 'x'),
    ),
    occurredAt: fc.record({
      seconds: fc.constantFrom(1n, 1_792_000_000n, 0xffff_ffffn),
      nanos: fc.constantFrom(0, 999_999, 1_000_000, 999_999_999, 1_000_000_000, 0x7fff_ffff),
    }),
  });

  test('is what the same message is that stands as it is, good or bad, of every shape of the block', () => {
    const pulses = fc.array(fc.tuple(fc.nat(), fc.boolean(), own), { maxLength: 12 });
    const shapes = fc.array(common, { minLength: 1, maxLength: 3 });
    let [taken, rejected] = [0, 0];
    fc.assert(
      fc.property(shapes, pulses, pulses, (commons, ...blocks) => {
        const founders = commons.map((fields) => contractPulse(fields));
        const given = blocks.map((items) => {
          // Each shape is founded where it is met first: its number is another one in each block.
          const numbers = new Map<number, number>();
          return items.flatMap(([which, hasShape, fields]) => {
            const place = which % founders.length;
            const like = founders[place] ?? contractPulse();
            const pulse = { ...like, ...fields };
            if (!hasShape) return [{ pulse, bytes: [...framed([writePulse(pulse)])] }];
            const founded = numbers.has(place) ? [] : [{ pulse: like, bytes: founder(like) }];
            const number = numbers.get(place) ?? numbers.size + 1;
            numbers.set(place, number);
            return [...founded, { pulse, bytes: shaped(number, pulse) }];
          });
        });
        const packed = given.map((items, index) => {
          const payload = Uint8Array.of(...items.flatMap(({ bytes }) => bytes));
          return { offset: 7 + index, block: pulseBlock(payload, items.length) };
        });
        const whole = given.map((items, index) => {
          const payload = framed(items.map(({ pulse }) => writePulse(pulse)));
          return { offset: 7 + index, block: pulseBlock(payload, items.length) };
        });
        const decodedPacked = seen(decodePulses(packed));
        expect(decodedPacked).toEqual(seen(decodePulses(whole)));
        taken += decodedPacked.pulses.length;
        rejected += decodedPacked.failures.length;
      }),
      { numRuns: 300 },
    );
    expect(Math.min(taken, rejected)).toBeGreaterThan(300);
  });

  test('is known by the same key and digest on its way in any other form', () => {
    const pulse = contractPulse();
    const payload = Uint8Array.of(
      ...founder(contractPulse({ id: 'first', usedAmount: '1' })),
      ...shaped(1, { ...pulse, usedAmount: '012.5' }),
    );
    const { columns } = decodePulses([{ offset: 7, block: pulseBlock(payload, 2) }]);
    expect(pulseKeyAt(columns.keys, 1)).toBe(pulseKey(pulse.tenant, pulse.source, pulse.id));
    expect(pulseKeyAt(columns.digests, 1)).toBe(digestOf(pulse));
  });

  test('is judged as a whole where its id is more than ASCII', () => {
    const pulses = ['ümlaut', 'nel\u0085'].map((id) => contractPulse({ id }));
    const bytes = pulses.map(({ id, ...rest }) => {
      const text = Buffer.from(id);
      return [0, 1, text.length, ...text, ...shaped(1, { ...rest, id: '' }).slice(3)];
    });
    const payload = Uint8Array.of(...founder(contractPulse({ id: 'first' })), ...bytes.flat());
    const { columns, failures } = decodePulses([{ offset: 7, block: pulseBlock(payload, 3) }]);
    expect(pulseKeyAt(columns.keys, 1)).toBe(pulseKey('acme', 'gateway-1', 'ümlaut'));
    expect(failures).toMatchObject([{ index: 2, code: 'control_character', tenant: 'acme' }]);
  });
});

test('series stay apart whose texts have the same hash', () => {
  const [one, other] = ['jbnlbcvnjwdp', 'uhiwchpkulqi'];
  for (const part of ['tenant', 'productSku', 'useUnity']) {
    const pulses = [one, other, one, other].map((text) =>
      writePulse(contractPulse({ [part]: text })),
    );
    const { columns } = decoded(...pulses);
    expect([...columns.seriesIndex]).toEqual([0, 1, 0, 1]);
    expect(JSON.stringify(columns.series)).toMatch(new RegExp(`${one}.*${other}`));
  }
});

describe('what is no pulse', () => {
  test('is told with its bytes, and the others go on', () => {
    const good = [1, 2].map((n) => writePulse(contractPulse({ id: `p${n}` })));
    const bad = Uint8Array.of(0x0a, 5, 1);
    const { columns, failures } = decoded(good[0] ?? bad, bad, good[1] ?? bad);
    expect(columns.count).toBe(2);
    expect(failures).toEqual([
      {
        offset: 7,
        index: 1,
        bytes: bad,
        tenant: null,
        code: 'malformed',
        message: PULSE_REJECTIONS.malformed,
      },
    ]);
  });

  test('tells its tenant where that can be read', () => {
    expect(decoded(writePulse(contractPulse({ id: '' }))).failures[0]?.tenant).toBe('acme');
    expect(decoded(writePulse(contractPulse({ tenant: '' }))).failures[0]).toMatchObject({
      tenant: null,
      code: 'tenant_missing',
    });
    expect(decoded(plus(0x0a, 5, 1)).failures[0]).toMatchObject({
      tenant: null,
      code: 'malformed',
    });
  });

  test('may be too large, and a tenant that the door has added does not make it so', () => {
    const filled = (length: number): Uint8Array => {
      const content = length - plus(0x7a, 0, 0).length;
      return plus(
        0x7a,
        (content & 0x7f) | 0x80,
        content >>> 7,
        ...new Array<number>(content).fill(0),
      );
    };
    expect(decoded(filled(PULSE_BYTES_MAX + 66)).columns.count).toBe(1);
    expect(decoded(filled(PULSE_BYTES_MAX + 67)).failures[0]).toMatchObject({
      code: 'pulse_too_large',
      tenant: null,
    });
  });

  test('is the whole payload where it is not as many pulses as the block says', () => {
    const payload = framed([writePulse(contractPulse())]);
    const sound = { offset: 9, block: pulseBlock(payload, 1) };
    for (const block of [
      pulseBlock(payload, 2),
      pulseBlock(payload, 0),
      pulseBlock(payload.slice(0, -1), 1),
      pulseBlock(Uint8Array.of(0x80), 1),
      pulseBlock(payload, 0xffff_ffff),
    ]) {
      const { columns, failures } = decodePulses([{ offset: 10, block }, sound]);
      expect(columns.count).toBe(1);
      expect(failures).toMatchObject([
        { offset: 10, index: null, bytes: block.payload, tenant: null, code: 'block_invalid' },
      ]);
    }
  });

  test('is told in log order, blocks and pulses alike', () => {
    const bad = { offset: 1, block: pulseBlock(framed([Uint8Array.of(0)]), 1) };
    const none = { offset: 2, block: pulseBlock(Uint8Array.of(0x80), 1) };
    const { failures } = decodePulses([bad, none, { ...bad, offset: 3 }]);
    expect(failures.map(({ offset }) => offset)).toEqual([1, 2, 3]);
  });
});

const textOf = (text: string): number[] => [text.length, ...Buffer.from(text)];

/** BLAKE2s as the runtime has it, of the first bytes, zeros up to a multiple of 64, and the others. */
function hashOf(first: readonly number[], others: readonly number[]): string {
  const zeros = new Array<number>(-first.length & 63).fill(0);
  const input = Uint8Array.of(...first, ...zeros, ...others);
  return new Bun.CryptoHasher('blake2s256').update(input).digest('hex').slice(0, 32);
}

describe('a key', () => {
  test('is one of tenant, source and id, however their bytes lie', () => {
    const keys = [
      ['a', 'bc', 'd'],
      ['ab', 'c', 'd'],
      ['a', 'b', 'cd'],
      ['abcd', '', ''],
      ['', '', 'abcd'],
      ['a', 'x'.repeat(255), 'd'],
      ['a', 'x'.repeat(511), 'd'],
    ].map(([tenant = '', source = '', id = '']) => pulseKey(tenant, source, id));
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('can be reckoned by anybody with BLAKE2s, and never changes', () => {
    expect(pulseKey('acme', 'gateway-1', 'pulse-1')).toBe(
      hashOf([...textOf('acme'), ...textOf('gateway-1')], textOf('pulse-1')),
    );
    expect(pulseKey('acme', 'gateway-1', 'pulse-1')).toBe('64d8d5c741da1c68a16bb88b4e77489c');
    const [tenant, source, id] = ['t'.repeat(64), 's'.repeat(128), 'i'.repeat(128)];
    expect(pulseKey(tenant, source, id)).toBe(
      hashOf([...textOf(tenant), ...textOf(source)], textOf(id)),
    );
  });
});

describe('a digest is the same', () => {
  const same = digestOf(contractPulse());

  test('for the same amount in other digits', () => {
    for (const usedAmount of ['12.5', '12.500', '0012.5', '012.50000']) {
      expect(digestOf(contractPulse({ usedAmount }))).toBe(same);
    }
    const zeros = ['0', '-0', '0.0', '00', '-00.000'].map((usedAmount) =>
      digestOf(contractPulse({ usedAmount })),
    );
    expect(new Set(zeros).size).toBe(1);
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
        fc.nat(3),
        (amount, zeros) => {
          const text = formatAmount(amount);
          const longer = text.replace(/^(-?)(.*)$/, `$1${'0'.repeat(zeros)}$2`);
          expect(digestOf(contractPulse({ usedAmount: longer.slice(0, 39) }))).toBe(
            digestOf(contractPulse({ usedAmount: text })),
          );
        },
      ),
    );
  });

  test('for the same attributes in another order, of a name the last', () => {
    const attributes = Object.fromEntries(
      Array.from({ length: 16 }, (_, n) => [`name-${(n * 7) % 16}`, String(n)]),
    );
    const turned = Object.fromEntries(Object.entries(attributes).reverse());
    expect(digestOf(contractPulse({ attributes: turned }))).toBe(
      digestOf(contractPulse({ attributes })),
    );
    const region = (value: string): number[] => [
      ...[0x42, 10 + value.length, 0x0a, 6, ...Buffer.from('region')],
      ...[0x12, value.length, ...Buffer.from(value)],
    ];
    expect(digestOf(plus(...region('us-1'), ...region('eu-1')))).toBe(same);
    expect(digestOf(plus(...region('us-1')))).toBe(
      digestOf(contractPulse({ attributes: { region: 'us-1' } })),
    );
  });

  test('whatever a finer clock says below the millisecond, and whatever is not known here', () => {
    const time = timeAt(NOW - 60_000);
    expect(digestOf(contractPulse({ occurredAt: { ...time, nanos: 999_999 } }))).toBe(same);
    expect(digestOf(plus(0x78, 1))).toBe(same);
  });

  test('for nothing else', () => {
    const changes: Partial<ContractPulse>[] = [
      {},
      { productSku: 'api' },
      { useUnity: 'calls' },
      { productSku: 'api.callsc', useUnity: 'all' },
      { usedAmount: '12.51' },
      { usedAmount: '-12.5' },
      { usedAmount: '125' },
      { usedAmount: '1.25' },
      { usedAmount: '1250' },
      { occurredAt: timeAt(NOW - 60_001) },
      { occurredAt: timeAt(NOW - 60_000 - 2 ** 32) },
      { attributes: {} },
      { attributes: { region: 'eu-2' } },
      { attributes: { regio: 'neu-1' } },
      { attributes: { region: 'eu-1', zone: '' } },
      { attributes: { region: '' } },
      { attributes: { region: 'x'.repeat(256) } },
    ];
    const digests = changes.map((change) => digestOf(contractPulse(change)));
    expect(digests[0]).toBe(same);
    expect(new Set(digests).size).toBe(changes.length);
  });

  test('for ever, and can be reckoned by anybody', () => {
    const time = [...new Uint8Array(BigUint64Array.of(BigInt(NOW - 60_000)).buffer)];
    const value = 'x'.repeat(256);
    const texts = [...textOf('api.calls'), ...textOf('call')];
    expect(same).toBe(
      hashOf(
        [...texts, 1, ...textOf('region'), 0, ...textOf('eu-1')],
        [...time, 4, 0, ...Buffer.from('12.5')],
      ),
    );
    expect(digestOf(contractPulse({ usedAmount: '-0.50', attributes: { b: value, a: '' } }))).toBe(
      hashOf(
        [...texts, 2, ...textOf('a'), 0, 0, ...textOf('b'), 1, 0, ...Buffer.from(value)],
        [...time, 2, 0x2d, ...Buffer.from('.5')],
      ),
    );
    expect(same).toBe('dff7d11a170d9a615c2595df247d85ea');
  });
});
