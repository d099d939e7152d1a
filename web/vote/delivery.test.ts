/** Proves when a vote keeps its key, when it gets a new one, and when it may be called not counted. */
import { describe, expect, test } from 'bun:test';
import {
  afterAsk,
  afterSend,
  beforeSend,
  DEADLINE_GRACE_MS,
  type Delivery,
  newDelivery,
  nextStep,
  RESEND_AGE_MAX_MS,
  soonest,
} from './delivery.ts';

const NOW = 1_800_000_000_000;
const fresh = newDelivery({ localId: 'l', option: 'ana', optionName: 'Ana', chosenAt: NOW });
const makeKey = (time: number) => `key-${time}`;
const never = () => {
  throw new Error('no new key is due');
};
const lost = { kind: 'unknown', heard: false, retryAfterMs: null } as const;

/** A vote whose first attempt, at NOW, was lost on the way. */
function lostOnce(): Delivery {
  return afterSend(beforeSend(fresh, NOW, makeKey), lost);
}

describe('the key', () => {
  test('is made when the vote is first sent, in the time of that moment', () => {
    expect(fresh.key).toBeNull();
    expect(beforeSend(fresh, NOW + 7, makeKey).key).toBe(`key-${NOW + 7}`);
  });

  test('stays the same over lost answers, unknown outcomes, overload and a reload in mid-flight', () => {
    const sent = beforeSend(fresh, NOW, makeKey);
    const overloaded = { kind: 'overloaded', retryAfterMs: 1 } as const;
    for (const before of [afterSend(sent, lost), afterSend(sent, overloaded), sent]) {
      expect(beforeSend(before, NOW + RESEND_AGE_MAX_MS - 1, never).key).toBe(`key-${NOW}`);
    }
  });

  test('is made anew when only overload met it and it has grown too old', () => {
    const sent = beforeSend(fresh, NOW, makeKey);
    const refused = afterSend(sent, { kind: 'overloaded', retryAfterMs: null });
    const later = NOW + RESEND_AGE_MAX_MS;
    expect(nextStep(refused, later, null)).toEqual({ act: 'send' });
    expect(beforeSend(refused, later, makeKey).key).toBe(`key-${later}`);
  });

  test('is never made anew while an attempt may have arrived, however old', () => {
    const inFlight = beforeSend(fresh, NOW, makeKey);
    for (const one of [lostOnce(), inFlight]) {
      const later = NOW + 24 * 3_600_000;
      expect(nextStep(one, later, null)).toEqual({ act: 'ask' });
      expect(beforeSend(one, later, never).key).toBe(`key-${NOW}`);
    }
  });

  test.each(['id_expired', 'id_in_future'])(
    'is given up when the very first attempt is refused with %s, three times at most',
    (code) => {
      let one: Delivery = fresh;
      for (let round = 0; round < 3; round++) {
        one = afterSend(beforeSend(one, NOW, makeKey), { kind: 'refused', code });
        expect(one).toMatchObject({ key: null, fate: null, rekeys: round + 1 });
      }
      one = afterSend(beforeSend(one, NOW, makeKey), { kind: 'refused', code });
      expect(one.fate).toEqual({ kind: 'refused', code });
    },
  );
});

describe('a refusal', () => {
  test('of a first attempt is the end of it', () => {
    const refused = { kind: 'refused', code: 'poll_closed' } as const;
    expect(afterSend(beforeSend(fresh, NOW, makeKey), refused).fate).toEqual(refused);
  });

  test.each(['poll_closed', 'poll_not_open', 'id_expired'])(
    '%s of a later attempt settles nothing: the receipt is asked',
    (code) => {
      const again = afterSend(beforeSend(lostOnce(), NOW + 1_000, never), {
        kind: 'refused',
        code,
      });
      expect(again).toMatchObject({ fate: null, mustAsk: true, key: `key-${NOW}` });
      expect(nextStep(again, NOW + 1_000, null)).toEqual({ act: 'ask' });
    },
  );

  test('id_in_future of a later attempt is waited out with the same key', () => {
    const sent = beforeSend(lostOnce(), NOW + 1_000, never);
    const again = afterSend(sent, { kind: 'refused', code: 'id_in_future' });
    expect(nextStep(again, NOW + 2_000, null)).toEqual({ act: 'send' });
    expect(again.key).toBe(`key-${NOW}`);
  });
});

describe('the deadline', () => {
  const closesAt = NOW + 60_000;
  const end = closesAt + DEADLINE_GRACE_MS;

  test('settles a vote that never left as missed, not a moment before', () => {
    expect(nextStep(fresh, end - 1, closesAt)).toEqual({ act: 'send' });
    expect(nextStep(fresh, end, closesAt)).toEqual({ act: 'settle', fate: { kind: 'missed' } });
  });

  test('ends the sending of a vote that may have arrived: its receipt is asked', () => {
    expect(nextStep(lostOnce(), end - 1, closesAt)).toEqual({ act: 'send' });
    expect(nextStep(lostOnce(), end, closesAt)).toEqual({ act: 'ask' });
  });

  test('makes not_counted_final the end, while before it the vote goes out under a new key', () => {
    const receipt = { kind: 'receipt', status: 'not_counted_final', acceptedAt: null } as const;
    const again = afterAsk(lostOnce(), receipt, closesAt, closesAt);
    expect(again).toMatchObject({ key: null, fate: null, mayHaveArrived: false, rekeys: 1 });
    expect(nextStep(again, closesAt, closesAt)).toEqual({ act: 'send' });
    expect(afterAsk(lostOnce(), receipt, end, closesAt).fate).toEqual({
      kind: 'not_counted',
      status: 'not_counted_final',
    });
  });
});

describe('the receipt', () => {
  test.each(['counted', 'duplicate'] as const)('%s means registered', (status) => {
    const receipt = { kind: 'receipt', status, acceptedAt: 'then' } as const;
    const fate = { kind: 'registered', acceptedAt: 'then', counted: true } as const;
    expect(afterAsk(lostOnce(), receipt, NOW, null).fate).toEqual(fate);
  });

  test.each(['late', 'expired', 'voided'] as const)('%s means not counted', (status) => {
    const receipt = { kind: 'receipt', status, acceptedAt: null } as const;
    expect(afterAsk(lostOnce(), receipt, NOW, null).fate).toEqual({ kind: 'not_counted', status });
  });

  test('pending is asked again, ever more slowly up to 30 s, and called unsettled in the end', () => {
    const pending = { kind: 'receipt', status: 'pending', acceptedAt: null } as const;
    let now = NOW + RESEND_AGE_MAX_MS;
    let one = lostOnce();
    const waits: number[] = [];
    while (one.fate === null) {
      one = afterAsk(one, pending, now, null);
      const step = nextStep(one, now, null);
      if (step.act !== 'wait') break;
      waits.push(step.until - now);
      now = step.until;
    }
    expect(waits.slice(0, 6)).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(one.fate).toEqual({ kind: 'unsettled' });
    expect(now - NOW).toBeGreaterThan(20 * 60_000);
  });

  test('that nobody answers changes nothing, and one that is refused leaves it unsettled', () => {
    expect(afterAsk(lostOnce(), lost, NOW, null)).toEqual(lostOnce());
    const refused = { kind: 'refused', code: 'receipt_unknown' } as const;
    expect(afterAsk(lostOnce(), refused, NOW, null).fate).toEqual({ kind: 'unsettled' });
  });
});

test('what is due comes first, else what rests the shortest; settled votes need nothing', () => {
  const late = NOW + RESEND_AGE_MAX_MS;
  const asked = { ...lostOnce(), askAt: late + 5_000 };
  const askedSooner = { ...lostOnce(), askAt: late + 3_000 };
  const done = afterSend(lostOnce(), { kind: 'accepted', acceptedAt: 'then', token: null });
  expect(soonest([asked, fresh], late, null)).toEqual({ delivery: fresh, act: 'send', restMs: 0 });
  expect(soonest([asked, askedSooner, done], late, null)).toEqual({
    delivery: askedSooner,
    act: 'ask',
    restMs: 3_000,
  });
  expect(soonest([done], late, null)).toBeNull();
});
