import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { decodePulseAct, encodePulseAct, type PulseActRecord } from './pulse-act.ts';

const VOID: PulseActRecord = {
  kind: 'void',
  actId: 'a-1',
  target: '0123456789abcdef0123456789abcdef',
  amount: null,
  reason: 'sent by a test machine',
  actor: 'ana',
  at: 1_700_000_000_000,
};

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe('an act on a pulse', () => {
  test('is read as it was written, whatever the amount and the words', () => {
    const limit = 10n ** 38n - 1n;
    fc.assert(
      fc.property(fc.bigInt(-limit, limit), fc.string(), fc.nat(), (amount, reason, at) => {
        const act: PulseActRecord = { ...VOID, kind: 'amend', amount, reason, at };
        expect(decodePulseAct(encodePulseAct(act))).toEqual(act);
      }),
    );
    expect(decodePulseAct(encodePulseAct(VOID))).toEqual(VOID);
  });

  test.each([
    ['no UTF-8', new Uint8Array([0xff])],
    ['no JSON', new TextEncoder().encode('{')],
    ['another kind', bytesOf({ ...VOID, kind: 'close' })],
    ['a void with an amount', bytesOf({ ...VOID, amount: '1' })],
    ['an amendment without one', bytesOf({ ...VOID, kind: 'amend' })],
    ['an amount that is none', bytesOf({ ...VOID, kind: 'amend', amount: '1.5' })],
    ['a target that is no key', bytesOf({ ...VOID, target: 'x' })],
    ['no actor', bytesOf({ ...VOID, actor: '' })],
    ['a member that is not known', bytesOf({ ...VOID, more: 1 })],
  ])('with %s is refused', (_, payload) => {
    expect(() => decodePulseAct(payload)).toThrow(
      expect.objectContaining({ code: 'block_invalid' }),
    );
  });
});
