import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ActRegister, type AppliedAct } from './act-register.ts';

const act = (kind: AppliedAct['kind'], actId: string, target = 'a'): AppliedAct => ({
  kind,
  actId,
  target,
});

describe('an act', () => {
  test('takes an event off once, and puts it back once', () => {
    const register = new ActRegister();
    expect(register.apply(act('void', '1'))).toBe(-1);
    expect(register.apply(act('restore', '2'))).toBe(1);
    expect(register.apply(act('void', '3'))).toBe(-1);
  });

  test('that is repeated changes nothing, whatever came in between', () => {
    const register = new ActRegister();
    register.apply(act('void', '1'));
    expect(register.apply(act('void', '1'))).toBe(0);
    register.apply(act('restore', '2'));
    expect(register.apply(act('void', '1'))).toBe(0);
    expect(register.apply(act('restore', '2'))).toBe(0);
  });

  test('that finds the event as it wants it changes nothing', () => {
    const register = new ActRegister();
    expect(register.apply(act('restore', '1'))).toBe(0);
    expect(register.apply(act('void', '2'))).toBe(-1);
    expect(register.apply(act('void', '3'))).toBe(0);
  });

  test('is about each of its targets by itself', () => {
    const register = new ActRegister();
    expect(register.apply(act('void', '1', 'a'))).toBe(-1);
    expect(register.apply(act('void', '1', 'b'))).toBe(-1);
    expect(register.has(act('void', '1', 'b'))).toBe(true);
    expect(register.has(act('void', '1', 'c'))).toBe(false);
    expect(register.has(act('void', '2', 'b'))).toBe(false);
  });
});

test('an event counts as often as its acts add up to: never twice, never less than not', () => {
  const acts = fc.array(
    fc.record({
      kind: fc.constantFrom<AppliedAct['kind']>('void', 'restore'),
      actId: fc.constantFrom('1', '2', '3', '4', '5'),
      target: fc.constantFrom('a', 'b'),
    }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(acts, fc.nat(30), (sequence, cut) => {
      const register = new ActRegister();
      // Begins as after a restart, with the acts that a store kept.
      const restarted = new ActRegister(sequence.slice(0, cut));
      const counts = new Map<string, number>();
      for (const [index, each] of sequence.entries()) {
        const change = register.apply(each);
        if (index >= cut) expect(restarted.apply(each)).toBe(change);
        const count = (counts.get(each.target) ?? 1) + change;
        expect(count === 0 || count === 1).toBe(true);
        counts.set(each.target, count);
      }
    }),
  );
});
