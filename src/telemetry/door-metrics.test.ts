import { describe, expect, test } from 'bun:test';
import { DoorMetrics } from './door-metrics.ts';

describe('the door’s books', () => {
  test('are empty at first', () => {
    expect(new DoorMetrics().snapshot()).toEqual({
      received: 0,
      accepted: 0,
      rejected: {},
      unknown: 0,
      acceptedPerSecond: 0,
      peakPerSecond: 0,
      p50Ms: 0,
      p99Ms: 0,
    });
  });

  test('tell refusals by their reason, whatever it is called', () => {
    const door = new DoorMetrics();
    for (const reason of ['poll_closed', 'id_expired', 'poll_closed', '__proto__']) {
      door.reject(reason);
    }
    expect(Object.entries(door.snapshot().rejected)).toEqual([
      ['poll_closed', 2],
      ['id_expired', 1],
      ['__proto__', 1],
    ]);
    expect([...door.rejected.values()]).toEqual([2, 1, 1]);
  });

  test('are a picture of their moment: what comes later does not change it', () => {
    const door = new DoorMetrics();
    door.reject('poll_closed');
    const before = door.snapshot();
    door.reject('poll_closed');
    expect(before.rejected).toEqual({ poll_closed: 1 });
  });
});

describe('a second', () => {
  test('ends with its rate, by the time that it really took, and the peak so far', () => {
    const door = new DoorMetrics();
    const second = (votes: number, seconds: number) => {
      for (let vote = 0; vote < votes; vote += 1) door.accept(1);
      door.endSecond(seconds);
      const { acceptedPerSecond, peakPerSecond } = door.snapshot();
      return [acceptedPerSecond, peakPerSecond];
    };
    expect(second(10, 1)).toEqual([10, 10]);
    expect(second(30, 2)).toEqual([15, 15]);
    expect(second(4, 1)).toEqual([4, 15]);
    expect(second(0, 1)).toEqual([0, 15]);
    expect(door.accepted).toBe(44);
  });

  test('ends with its own latencies, while the histogram keeps all', () => {
    const door = new DoorMetrics();
    for (let vote = 0; vote < 99; vote += 1) door.accept(2);
    door.accept(50);
    door.endSecond(1);
    const { p50Ms, p99Ms } = door.snapshot();
    expect(p50Ms).toBeCloseTo(2, 1);
    expect(p99Ms).toBeCloseTo(2, 1);
    door.accept(8);
    door.endSecond(1);
    expect(door.snapshot().p50Ms).toBeCloseTo(8, 1);
    expect(door.latency.count).toBe(101);
    expect(door.latency.max).toBe(50);
    door.endSecond(1);
    expect([door.snapshot().p50Ms, door.latency.count]).toEqual([0, 101]);
  });
});
