import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  type ContractPulse,
  contractPulse,
  contractPulses,
  messageType,
  NOW,
  naiveRejection,
  readPulse,
  timeAt,
  writePulse,
  writeRequest,
} from '../../../test/support/pulse-messages.ts';
import { callersTenant } from './callers-tenant.ts';
import {
  FUTURE_MS_MAX,
  LATENESS_MS,
  PULSE_BYTES_MAX,
  PULSE_REJECTIONS,
  type PulseRejection,
} from './pulse.ts';
import { encodeIngestRequest } from './pulse-codec.ts';
import { PulseScan, type ScanCaller } from './pulse-scan.ts';
import { ACCEPTED, rejectionOf } from './pulse-verdict.ts';

const ANYBODY: ScanCaller = { tenant: null, canBackfill: true };
const ACME: ScanCaller = { tenant: callersTenant('acme'), canBackfill: false };

function verdictsOf(scan: PulseScan): (PulseRejection | null)[] {
  return Array.from(scan.verdict.subarray(0, scan.count), (verdict) =>
    verdict === ACCEPTED ? null : rejectionOf(verdict),
  );
}

/** The verdict on one message; it is the second of the request. */
function verdict(
  message: Uint8Array | ContractPulse,
  caller = ANYBODY,
  allowsBackfill = false,
): PulseRejection | null {
  const scan = new PulseScan(12);
  const bytes = message instanceof Uint8Array ? message : writePulse(message);
  const request = encodeIngestRequest([writePulse(contractPulse()), bytes], allowsBackfill);
  expect(scan.scan(request, caller, NOW)).toBe('scanned');
  expect([scan.count, scan.verdict[0]]).toEqual([2, ACCEPTED]);
  return verdictsOf(scan)[1] ?? null;
}

const field = (number: number, bytes: Uint8Array | string): number[] => {
  const content = [...(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes)];
  return [number * 8 + 2, content.length, ...content];
};
const plus = (...parts: (readonly number[])[]): Uint8Array =>
  Uint8Array.from([...writePulse(contractPulse()), ...parts.flat()]);

describe('a pulse is judged', () => {
  test('as the contract’s own reader and the plain rules judge it, whatever a sender writes', () => {
    const callers = fc.constantFrom(null, 'acme');
    const property = fc.property(
      fc.array(contractPulses, { minLength: 1, maxLength: 20 }),
      callers,
      fc.boolean(),
      (pulses, tenant, allowsBackfill) => {
        const scan = new PulseScan(12);
        const caller = {
          tenant: tenant === null ? null : callersTenant(tenant),
          canBackfill: true,
        };
        expect(scan.scan(writeRequest(pulses, allowsBackfill), caller, NOW)).toBe('scanned');
        const expected = pulses.map((pulse) =>
          naiveRejection(writePulse(pulse), { tenant, allowsBackfill }),
        );
        expect(verdictsOf(scan)).toEqual(expected);
        expect(scan.accepted).toBe(expected.filter((code) => code === null).length);
      },
    );
    fc.assert(property, { numRuns: 600 });
  });

  test('as if it came alone, whatever came before it', () => {
    const scan = new PulseScan(12);
    const alone = (message: Uint8Array, caller: ScanCaller): (number | undefined)[] => {
      const fresh = new PulseScan(12);
      expect(fresh.scan(encodeIngestRequest([message], false), caller, NOW)).toBe('scanned');
      expect(fresh.shape[0]).toBeNull();
      return [
        fresh.verdict[0],
        ...(fresh.accepted > 0 ? [fresh.partition[0], fresh.lacksTenant[0]] : []),
      ];
    };
    const flip = fc.record({
      at: fc.nat(),
      value: fc.integer({ min: 0, max: 255 }),
      cut: fc.boolean(),
    });
    const flips = fc.oneof(fc.constant([]), fc.array(flip, { maxLength: 2 }));
    const usual = fc.record({
      id: fc.oneof(
        fc.uuid(),
        fc.constantFrom('', 'é', 'tab\t', 'x', 'x'.repeat(127), 'x'.repeat(128)),
      ),
      source: fc.constantFrom('gateway-1', 'g'),
      tenant: fc.constantFrom('acme', 'acme', '', 'other'),
      usedAmount: fc.constantFrom('1', '12.50', '-7', '', '1e3', '-', '5.'),
      occurredAt: fc.constantFrom(
        ...[NOW, NOW + FUTURE_MS_MAX, NOW + FUTURE_MS_MAX + 1].map(timeAt),
        ...[NOW - LATENESS_MS, NOW - LATENESS_MS - 1, 0, 2 ** 42].map(timeAt),
        { seconds: BigInt(NOW / 1000), nanos: 1_000_000_000 },
        { seconds: BigInt(NOW / 1000), nanos: 999_999_999 },
      ),
      attributes: fc.constantFrom<Record<string, string>>(
        {},
        { region: 'eu-1' },
        { region: 'us-1' },
      ),
    });
    const seen = { shaped: 0, shapedAndRejected: 0 };
    const property = fc.property(
      fc.array(fc.tuple(usual, flips), { minLength: 10, maxLength: 20 }),
      fc.constantFrom(ANYBODY, ACME),
      (pulses, caller) => {
        const messages = pulses.map(([pulse, changes]) => {
          let bytes = writePulse(contractPulse(pulse));
          for (const { at, value, cut } of changes) {
            if (bytes.length === 0) break;
            bytes[at % bytes.length] = value;
            if (cut) bytes = bytes.slice(0, at % bytes.length);
          }
          return bytes;
        });
        expect(scan.scan(encodeIngestRequest(messages, false), caller, NOW)).toBe('scanned');
        for (const [index, message] of messages.entries()) {
          const isAccepted = scan.verdict[index] === ACCEPTED;
          const places = [scan.partition[index], scan.lacksTenant[index]];
          const found = [scan.verdict[index], ...(isAccepted ? places : [])];
          expect(found).toEqual(alone(message, caller));
          if (scan.shape[index] === null) continue;
          seen.shaped += 1;
          if (!isAccepted) seen.shapedAndRejected += 1;
        }
      },
    );
    fc.assert(property, { numRuns: 1_000 });
    expect(seen.shaped).toBeGreaterThan(1_000);
    expect(seen.shapedAndRejected).toBeGreaterThan(100);
  });

  test('by what it shares with others only where these had the same caller’s tenant', () => {
    const scan = new PulseScan(1);
    const request = writeRequest(
      Array.from({ length: 4 }, (_, n) => contractPulse({ id: `p${n}` })),
    );
    const shapes = (caller: ScanCaller): boolean[] => {
      expect(scan.scan(request, caller, NOW)).toBe('scanned');
      return scan.shape.slice(0, 4).map((shape) => shape !== null);
    };
    expect(shapes(ACME)).toEqual([false, false, true, true]);
    expect(shapes(ACME)).toEqual([true, true, true, true]);
    const other: ScanCaller = { tenant: callersTenant('other'), canBackfill: false };
    expect(shapes(other)).toEqual([false, false, false, false]);
    expect(verdictsOf(scan)).toEqual(new Array(4).fill('tenant_mismatch'));
    expect(shapes(ANYBODY)).toEqual([false, false, true, true]);
    const bare = writeRequest([1, 2, 3].map((n) => contractPulse({ id: `p${n}`, tenant: '' })));
    // Their hashes are the same.
    for (const tenant of ['jbnlbcvnjwdp', 'uhiwchpkulqi'].map(callersTenant)) {
      expect(scan.scan(bare, { tenant, canBackfill: false }, NOW)).toBe('scanned');
      expect(scan.shape[0]).toBeNull();
      expect(scan.shape[2]?.tenant).toBe(tenant);
    }
  });

  test('as without an id where it has an empty one, as all before it had another', () => {
    const scan = new PulseScan(1);
    const message = writePulse(contractPulse({ id: 'p' }));
    const empty = Uint8Array.of(0x0a, 0, ...message.subarray(3));
    const request = encodeIngestRequest([message, message, message, empty], false);
    expect(scan.scan(request, ACME, NOW)).toBe('scanned');
    expect(verdictsOf(scan)).toEqual([null, null, null, 'id_missing']);
    expect(scan.shape[2]).not.toBeNull();
  });

  test('and never taken where the contract’s own reader refuses its bytes', () => {
    const flips = fc.array(
      fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }), cut: fc.boolean() }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(contractPulses, flips, (pulse, changes) => {
        let bytes = writePulse(pulse);
        for (const { at, value, cut } of changes) {
          if (bytes.length === 0) break;
          bytes[at % bytes.length] = value;
          if (cut) bytes = bytes.slice(0, at % bytes.length);
        }
        const code = verdict(bytes);
        if (code === null) {
          expect(naiveRejection(bytes, { tenant: null, allowsBackfill: false })).toBeNull();
        }
      }),
      { numRuns: 3_000 },
    );
  });

  test('without ever throwing, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        verdict(bytes);
        new PulseScan(3).scan(bytes, ANYBODY, NOW);
      }),
      { numRuns: 3_000 },
    );
  });

  test.each<[PulseRejection, Partial<ContractPulse>]>([
    ['id_missing', { id: '' }],
    ['id_too_long', { id: 'x'.repeat(129) }],
    ['source_missing', { source: '' }],
    ['source_too_long', { source: 'é'.repeat(65) }],
    ['tenant_missing', { tenant: '' }],
    ['tenant_too_long', { tenant: 'x'.repeat(65) }],
    ['sku_missing', { productSku: '' }],
    ['sku_too_long', { productSku: 'x'.repeat(65) }],
    ['unit_missing', { useUnity: '' }],
    ['unit_too_long', { useUnity: 'x'.repeat(33) }],
    ['control_character', { source: 'a\nb' }],
    ['control_character', { attributes: { a: 'b\u0000' } }],
    ['control_character', { productSku: 'api\u007f' }],
    ['amount_missing', { usedAmount: '' }],
    ['amount_invalid', { usedAmount: '1e9' }],
    ['occurred_at_invalid', { occurredAt: { seconds: -1n, nanos: 0 } }],
    ['in_future', { occurredAt: timeAt(NOW + 3_600_001) }],
    ['too_old', { occurredAt: timeAt(NOW - 35 * 86_400_000 - 1) }],
    [
      'too_many_attributes',
      { attributes: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`a${n}`, ''])) },
    ],
    ['attribute_too_long', { attributes: { a: 'x'.repeat(257) } }],
    ['attribute_too_long', { attributes: { '': 'x' } }],
    ['attribute_too_long', { attributes: { ['x'.repeat(65)]: '' } }],
  ])('%s', (code, fields) => {
    expect(verdict(contractPulse(fields))).toBe(code);
    expect(PULSE_REJECTIONS).toHaveProperty(code);
  });

  test('occurred_at_missing', () => {
    const { occurredAt: _, ...rest } = contractPulse();
    expect(verdict(rest)).toBe('occurred_at_missing');
  });

  test('pulse_too_large, from the first byte too many', () => {
    // Field 15, which nobody knows.
    const filled = (length: number): Uint8Array => {
      const start = plus([0x7a]);
      const content = length - start.length - 2;
      const bytes = new Uint8Array(length);
      bytes.set(start);
      bytes.set([(content & 0x7f) | 0x80, content >>> 7], start.length);
      return bytes;
    };
    expect(verdict(filled(PULSE_BYTES_MAX))).toBeNull();
    expect(verdict(filled(PULSE_BYTES_MAX + 1))).toBe('pulse_too_large');
  });

  test.each([
    ['a control character in four bytes of printable text', [0x41, 0x1f, 0x41, 0x41]],
    ['one behind four bytes', [0x41, 0x41, 0x41, 0x41, 0x41, 0x09]],
    ['DEL', [0x41, 0x41, 0x7f, 0x41]],
    ['DEL far from the end', [0x41, 0x7f, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41]],
    ['one in a short text', [0x7f]],
    ['one of C1', [0xc2, 0x9f]],
  ])('control_character: %s', (_, bytes) => {
    expect(verdict(plus(field(2, Uint8Array.from(bytes))))).toBe('control_character');
  });

  test('and the characters next to control characters are taken', () => {
    for (const source of [' ', '~', '\u00a0', 'a b~', '~~~~ ', '\u{10ffff}', '\ud7ff\ue000']) {
      expect(verdict(contractPulse({ source }))).toBeNull();
    }
  });

  test.each([
    ['a continuation alone', [0x80]],
    ['an overlong form', [0xc0, 0xaf]],
    ['an overlong form of three bytes', [0xe0, 0x9f, 0x80]],
    ['an overlong form of four bytes', [0xf0, 0x8f, 0x80, 0x80]],
    ['half of a surrogate pair', [0xed, 0xa0, 0x80]],
    ['more than U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a lead byte that is none', [0xf5, 0x80, 0x80, 0x80]],
    ['a cut character', [0x41, 0xe2, 0x82]],
    ['a wrong third byte', [0xe2, 0x82, 0x41]],
    ['a wrong fourth byte', [0xf0, 0x9f, 0x98, 0xc0]],
  ])('malformed: %s is no UTF-8, in whichever text it stands', (_, bytes) => {
    for (const number of [1, 2, 3, 4, 5, 6]) {
      expect(verdict(plus(field(number, Uint8Array.from(bytes))))).toBe('malformed');
    }
    for (const number of [1, 2]) {
      const entry = Uint8Array.from([
        ...field(1, 'name'),
        ...field(number, Uint8Array.from(bytes)),
      ]);
      expect(verdict(plus(field(8, entry)))).toBe('malformed');
    }
  });

  test('malformed: a cut character is not made whole by what comes behind the text', () => {
    // The tag of field 1 in two bytes: its first would do as the last byte of the euro sign.
    expect(verdict(plus(field(2, Uint8Array.of(0xe2, 0x82)), [0x8a, 0x00, 1, 0x61]))).toBe(
      'malformed',
    );
  });

  test.each<[string, readonly number[]]>([
    ['a known field of another wire type', [0x08, 1]],
    ['a time of another wire type', [0x38, 1]],
    ['a group', [0x7b, 0x7c]],
    ['field number 0', [0x02, 0]],
    ['a field number beyond 29 bits', [0x82, 0x80, 0x80, 0x80, 0x10, 0]],
    ['a length beyond the message', [0x7a, 5, 1]],
    ['no length', [0x7a]],
    ['a length that does not end', [0x0a, 0x80]],
    ['a tag that does not end', [0x8a]],
    ['a number that does not end', [0x78, 0x80]],
    ['a number of more than 64 bits', [0x78, ...new Array(9).fill(0xff), 0x02]],
    ['a number of eleven bytes', [0x78, ...new Array(10).fill(0x80), 0]],
    ['a cut fixed64', [0x79, 1, 2, 3, 4, 5, 6, 7]],
    ['a cut fixed32', [0x7d, 1, 2, 3]],
    ['a time with a cut number', [0x3a, 2, 0x08, 0x80]],
    ['a time with a cut tag', [0x3a, 1, 0x88]],
    ['a time with a known field of another wire type', [0x3a, 2, 0x0a, 0]],
    ['an attribute with a cut text', [0x42, 2, 0x0a, 1]],
    ['an attribute with a cut length', [0x42, 2, 0x0a, 0x80]],
    ['an attribute with a cut tag', [0x42, 1, 0x8a]],
    ['an attribute with a known field of another wire type', [0x42, 2, 0x08, 0]],
  ])('malformed: %s', (_, bytes) => {
    expect(verdict(plus(bytes))).toBe('malformed');
  });

  test.each<[string, readonly number[]]>([
    ['a number', [0x78, 0xff, 0x01]],
    ['a fixed64', [0x79, 1, 2, 3, 4, 5, 6, 7, 8]],
    ['a text', [0x7a, 2, 0xff, 0xff]],
    ['a fixed32', [0x7d, 1, 2, 3, 4]],
    ['one of a large number', [0x80, 0x80, 0x80, 0x01, 5]],
    ['one in the time', [0x3a, 2, 0x18, 5]],
    ['one in an attribute', [0x42, 5, 0x0a, 1, 0x62, 0x18, 5]],
  ])('over a field that is not known here: %s', (_, bytes) => {
    expect(verdict(plus(bytes))).toBeNull();
    expect(readPulse(plus(bytes)).id).toBe(contractPulse().id);
  });

  test('by the last of a field that comes several times, and by all parts of a time', () => {
    expect(verdict(plus(field(5, '1e9'), field(5, '7')))).toBeNull();
    expect(verdict(plus(field(5, '')))).toBe('amount_missing');
    expect(verdict(plus(field(1, '')))).toBe('id_missing');
    // 1970 by its seconds alone: the nanoseconds stay.
    expect(verdict(plus(field(7, Uint8Array.of(0x08, 0x05))))).toBe('too_old');
    expect(verdict(plus(field(7, Uint8Array.of(0x10, 0x05))))).toBeNull();
  });

  test('by lengths and tags in more bytes than they need', () => {
    const id = [0x8a, 0x00, 0x83, 0x00, 0x61, 0x62, 0x63];
    expect(verdict(plus(id))).toBeNull();
    expect(readPulse(plus(id)).id).toBe('abc');
  });
});

describe('a tenant', () => {
  test('is the caller’s own, or left out and then meant', () => {
    expect(verdict(contractPulse({ tenant: 'acme' }), ACME)).toBeNull();
    expect(verdict(contractPulse({ tenant: '' }), ACME)).toBeNull();
    for (const tenant of ['acmf', 'acm', 'acmee', 'Acme']) {
      expect(verdict(contractPulse({ tenant }), ACME)).toBe('tenant_mismatch');
    }
  });

  test('that is left out puts the pulse where it lies with it', () => {
    const ids = Array.from({ length: 200 }, (_, n) => `pulse-${n}`);
    const [named, meant] = ['acme', ''].map((tenant) => {
      const scan = new PulseScan(7);
      scan.scan(writeRequest(ids.map((id) => contractPulse({ id, tenant }))), ACME, NOW);
      return scan;
    });
    expect([...(meant?.partition ?? [])]).toEqual([...(named?.partition ?? [])]);
    expect([...(meant?.lacksTenant.subarray(0, 200) ?? [])]).toEqual(new Array(200).fill(1));
    expect([...(named?.lacksTenant.subarray(0, 200) ?? [])]).toEqual(new Array(200).fill(0));
  });

  test('of a caller is one that a pulse could have', () => {
    expect(() => callersTenant('')).toThrow(RangeError);
    expect(() => callersTenant('x'.repeat(65))).toThrow(RangeError);
    expect(callersTenant('x'.repeat(64)).bytes).toHaveLength(64);
  });
});

describe('a tenant lies in a partition', () => {
  const partitions = (pulses: readonly ContractPulse[], count: number): number[] => {
    const scan = new PulseScan(count);
    expect(scan.scan(writeRequest(pulses), ANYBODY, NOW)).toBe('scanned');
    expect(scan.accepted).toBe(pulses.length);
    return [...scan.partition.subarray(0, pulses.length)];
  };

  test('by its name alone, so that a retry meets its first try and usage is in one place', () => {
    const first = contractPulse();
    const again = contractPulse({
      id: 'other',
      source: 'other',
      usedAmount: '99',
      productSku: 'other',
      useUnity: 's',
      attributes: {},
      occurredAt: timeAt(NOW),
    });
    const [one, other] = partitions([first, again], 65_521);
    expect(one).toBe(other as number);
    const others = ['x', 'y', 'z'].map((tenant) => contractPulse({ tenant }));
    expect(new Set(partitions([first, ...others], 65_521)).size).toBe(4);
  });

  test('that never changes in the life of a log', () => {
    const pulses = ['acme', 'globex', 'beta', 'c', '0199f0c2-4c1e-7d3a-9b52', 'é'].map((tenant) =>
      contractPulse({ tenant }),
    );
    expect(partitions(pulses, 12)).toEqual([5, 10, 4, 1, 0, 2]);
    expect(partitions(pulses, 1)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('about as often as in any other, also where names count up', () => {
    for (const nameOf of [
      (n: number) => `tenant-${n}`,
      (n: number) => String(n),
      (n: number) => String(n).padStart(12, '0'),
      (n: number) => `${n}-suffix`,
    ]) {
      const found = new Array<number>(12).fill(0);
      for (let round = 0; round < 12; round += 1) {
        const pulses = Array.from({ length: 1000 }, (_, n) =>
          contractPulse({ tenant: nameOf(round * 1000 + n) }),
        );
        for (const partition of partitions(pulses, 12)) {
          found[partition] = (found[partition] ?? 0) + 1;
        }
      }
      for (const count of found) expect(Math.abs(count - 1000)).toBeLessThan(160);
    }
  });
});

describe('a request', () => {
  const scan = new PulseScan(4);
  const good = writePulse(contractPulse());

  test('is malformed as a whole where its own fields are', () => {
    for (const bytes of [
      [0x0a],
      [0x0a, 5, 1],
      [0x80],
      [0x08, 1],
      [0x12, 0],
      [0x10],
      [0x10, 0x80],
      [0x7b],
      [0x7a, 9],
      [0x02, 0],
    ]) {
      const request = Uint8Array.from([...encodeIngestRequest([good], false), ...bytes]);
      expect(scan.scan(request, ANYBODY, NOW)).toBe('malformed');
    }
  });

  test('may hold fields that are not known here', () => {
    const request = Uint8Array.from([0x7a, 2, 1, 2, ...encodeIngestRequest([good], false)]);
    expect(scan.scan(request, ANYBODY, NOW)).toBe('scanned');
    expect([scan.count, scan.accepted, scan.acceptedBytes]).toEqual([1, 1, good.length]);
    expect([...request.subarray(scan.start[0], scan.end[0])]).toEqual([...good]);
  });

  test('has 1 to 1,000 pulses', () => {
    expect(scan.scan(new Uint8Array(0), ANYBODY, NOW)).toBe('empty');
    expect(scan.scan(Uint8Array.of(0x10, 1), ANYBODY, NOW)).toBe('empty');
    const many = (count: number) =>
      encodeIngestRequest(new Array<Uint8Array>(count).fill(good), false);
    expect(scan.scan(many(1000), ANYBODY, NOW)).toBe('scanned');
    expect(scan.accepted).toBe(1000);
    expect(scan.scan(many(1001), ANYBODY, NOW)).toBe('too_many');
  });

  test('takes old pulses where it allows a backfill and the caller may, wherever it says so', () => {
    const old = contractPulse({ occurredAt: timeAt(0) });
    const request = writeRequest([old, contractPulse({ id: '' })], true);
    const mayNot = { tenant: null, canBackfill: false };
    expect(scan.scan(request, mayNot, NOW)).toBe('backfill_forbidden');
    expect(scan.scan(request, ANYBODY, NOW)).toBe('scanned');
    expect(verdictsOf(scan)).toEqual([null, 'id_missing']);
    expect(scan.scan(writeRequest([old]), ANYBODY, NOW)).toBe('scanned');
    expect(verdictsOf(scan)).toEqual(['too_old']);
    const first = Uint8Array.from([0x10, 1, ...writeRequest([old])]);
    expect(scan.scan(first, ANYBODY, NOW)).toBe('scanned');
    expect(scan.accepted).toBe(1);
    const takenBack = Uint8Array.from([...writeRequest([old], true), 0x10, 0]);
    expect(scan.scan(takenBack, mayNot, NOW)).toBe('scanned');
    expect(scan.accepted).toBe(0);
  });

  test('is read from any place in memory', () => {
    const request = writeRequest([contractPulse(), contractPulse({ id: 'é' })]);
    for (let shift = 0; shift < 4; shift += 1) {
      const memory = new Uint8Array(request.length + 8).fill(0xff);
      memory.set(request, shift);
      const place = memory.subarray(shift, shift + request.length);
      expect(scan.scan(place, ANYBODY, NOW)).toBe('scanned');
      expect(scan.accepted).toBe(2);
    }
  });
});

test('a verdict that rejects nothing is no rejection', () => {
  expect(() => rejectionOf(ACCEPTED)).toThrow(RangeError);
  expect(() => rejectionOf(255)).toThrow(RangeError);
});

test('the contract says what the scan reads', () => {
  expect(messageType('Pulse').fields.map(({ number, name }) => `${number} ${name}`)).toEqual([
    '1 id',
    '2 source',
    '3 tenant',
    '4 product_sku',
    '5 used_amount',
    '6 use_unity',
    '7 occurred_at',
    '8 attributes',
  ]);
});
