/** Proves that the server's time is told right on a device whose clock is wrong, set, or asleep. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { ServerClock } from './server-clock.ts';

const HOUR_MS = 3_600_000;

/** A device: `pass` lets true time go by, during which the monotonic clock may stand still (sleep). */
function device(truth: number, wallOffset: number) {
  const state = { truth, wallOffset, monotonic: 12_345 };
  const clocks = {
    monotonic: () => state.monotonic,
    wall: () => state.truth + state.wallOffset,
  };
  const pass = (ms: number, asleep = false) => {
    state.truth += ms;
    if (!asleep) state.monotonic += ms;
  };
  return { state, clock: new ServerClock(clocks), pass };
}

/** One request and its answer, with the delays of the way there and back. */
function exchange(phone: ReturnType<typeof device>, there: number, back: number): void {
  const leftAt = phone.clock.monotonic();
  phone.pass(there);
  const serverTime = phone.state.truth;
  phone.pass(back);
  phone.clock.observe(serverTime, phone.clock.monotonic(), leftAt);
}

test.each([-2 * HOUR_MS, 0, 2 * HOUR_MS])(
  'a phone clock that is %d ms off does not change the told time',
  (off) => {
    const phone = device(1_800_000_000_000, off);
    expect(phone.clock.trusted()).toBe(false);
    exchange(phone, 40, 40);
    expect(phone.clock.trusted()).toBe(true);
    phone.pass(20 * 60_000);
    expect(phone.clock.now()).toBe(phone.state.truth);
  },
);

test('the error is at most half of the best round trip, and any number of messages only narrows it', () => {
  const delay = fc.nat({ max: 5_000 });
  fc.assert(
    fc.property(fc.array(fc.tuple(delay, delay, delay), { minLength: 1 }), (trips) => {
      const phone = device(1_800_000_000_000, HOUR_MS);
      let best = Number.POSITIVE_INFINITY;
      for (const [there, back, pause] of trips) {
        exchange(phone, there, back);
        best = Math.min(best, there + back);
        expect(Math.abs(phone.clock.now() - phone.state.truth)).toBeLessThanOrEqual(best / 2);
        phone.pass(pause);
      }
    }),
  );
});

test('a message that answers no request never puts the told time ahead of the server', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 9_000 }), { minLength: 1 }), (delays) => {
      const phone = device(1_800_000_000_000, -HOUR_MS);
      for (const delay of delays) {
        const serverTime = phone.state.truth;
        phone.pass(delay);
        phone.clock.observe(serverTime, phone.clock.monotonic(), null);
        expect(phone.clock.now()).toBeLessThanOrEqual(phone.state.truth);
      }
      expect(phone.state.truth - phone.clock.now()).toBe(Math.min(...delays));
    }),
  );
});

test('after a sleep that stopped the monotonic clock the time is shown, but not trusted until heard anew', () => {
  const phone = device(1_800_000_000_000, 2 * HOUR_MS);
  exchange(phone, 0, 0);
  phone.pass(20 * 60_000, true);
  expect(phone.clock.trusted()).toBe(false);
  expect(phone.clock.now()).toBe(phone.state.truth);
  exchange(phone, 10, 10);
  expect(phone.clock.trusted()).toBe(true);
  expect(phone.clock.now()).toBe(phone.state.truth);
});

test('setting the phone clock makes a doubt, and one message settles it', () => {
  const phone = device(1_800_000_000_000, 0);
  exchange(phone, 0, 0);
  phone.state.wallOffset = -2 * HOUR_MS;
  expect(phone.clock.trusted()).toBe(false);
  expect(phone.clock.now()).toBe(phone.state.truth);
  exchange(phone, 0, 0);
  expect(phone.clock.trusted()).toBe(true);
  expect(phone.clock.now()).toBe(phone.state.truth);
});

test('when the server contradicts what it said, the newer word holds', () => {
  const phone = device(1_800_000_000_000, 0);
  exchange(phone, 10, 10);
  phone.state.truth += 60_000;
  phone.state.wallOffset -= 60_000;
  exchange(phone, 10, 10);
  expect(phone.clock.now()).toBe(phone.state.truth);
});

test('a distrusted clock is trusted again after the next message, and a time that is none is ignored', () => {
  const phone = device(1_800_000_000_000, 0);
  phone.clock.observe(Number.NaN, 0, null);
  expect(phone.clock.trusted()).toBe(false);
  exchange(phone, 0, 0);
  phone.clock.distrust();
  expect(phone.clock.trusted()).toBe(false);
  exchange(phone, 0, 0);
  expect(phone.clock.trusted()).toBe(true);
});
