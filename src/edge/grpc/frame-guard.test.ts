import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { FLAG, FRAME, frame } from '../../../test/support/raw-http2.ts';
import { FRAME_LIMITS, FrameGuard, type FrameLimits } from './frame-guard.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

class Room {
  now = 0;
  readonly guard: FrameGuard;

  constructor(limits: Partial<FrameLimits> = {}) {
    this.guard = new FrameGuard({ ...FRAME_LIMITS, ...limits }, () => this.now);
    this.guard.read(PREFACE);
  }

  /** The first breach among so many of the same frame; null where there was none. */
  send(count: number, bytes: Uint8Array) {
    for (let at = 0; at < count; at += 1) {
      const breach = this.guard.read(bytes);
      if (breach !== null) return breach;
    }
    return null;
  }
}

const reset = frame(FRAME.rstStream, 0, 1, new Uint8Array(4));
const ping = frame(FRAME.ping, 0, 0, new Uint8Array(8));
const data = frame(FRAME.data, 0, 1, new Uint8Array(3));

test('a peer that has only said the preface has begun no frame', () => {
  const { guard } = new Room();
  expect(guard.frames).toBe(0);
  guard.read(ping);
  expect(guard.frames).toBe(1);
});

describe('what brings nothing', () => {
  test('may be sent so often at once, and no more', () => {
    const room = new Room({ resetsBurst: 5, resetsPerSecond: 1 });
    expect(room.send(5, reset)).toBeNull();
    expect(room.send(1, reset)).toBe('resets');
  });

  test('may be sent again as time passes, and never saves up more than its burst', () => {
    const room = new Room({ resetsBurst: 5, resetsPerSecond: 2 });
    room.send(5, reset);
    room.now += 1_000;
    expect(room.send(2, reset)).toBeNull();
    room.now += 1_000_000;
    expect(room.send(5, reset)).toBeNull();
    expect(room.send(1, reset)).toBe('resets');
  });

  test('is earned by calls and messages, but resets are not', () => {
    const room = new Room({ pingsBurst: 2, pingsPerSecond: 0, resetsBurst: 2, resetsPerSecond: 0 });
    for (let times = 0; times < 50; times += 1) {
      expect(room.send(1, data)).toBeNull();
      expect(room.send(1, ping)).toBeNull();
    }
    for (let times = 0; times < 2; times += 1) {
      room.send(1, data);
      expect(room.send(1, reset)).toBeNull();
    }
    room.send(1, data);
    expect(room.send(1, reset)).toBe('resets');
    expect(new Room({ pingsBurst: 2, pingsPerSecond: 0 }).send(3, ping)).toBe('pings');
  });

  test('is not an answer to ours, the end of a call, or a goodbye', () => {
    const room = new Room({
      ...{ pingsBurst: 0, pingsPerSecond: 0, settingsBurst: 0, settingsPerSecond: 0 },
      ...{ idleFramesBurst: 0, idleFramesPerSecond: 0 },
    });
    expect(room.send(9, frame(FRAME.ping, FLAG.ack, 0, new Uint8Array(8)))).toBeNull();
    expect(room.send(9, frame(FRAME.settings, FLAG.ack, 0))).toBeNull();
    expect(room.send(9, frame(FRAME.data, FLAG.endStream, 1))).toBeNull();
    expect(room.send(9, frame(FRAME.goaway, 0, 0, new Uint8Array(8)))).toBeNull();
    expect(room.send(1, frame(FRAME.data, 0, 1))).toBe('idle_frames');
  });
});

test('headers are counted over all their pieces, and anew for each call', () => {
  const room = new Room({ headerBytesMax: 100 });
  const begin = frame(FRAME.headers, 0, 1, new Uint8Array(60));
  const piece = frame(FRAME.continuation, 0, 1, new Uint8Array(40));
  for (let calls = 0; calls < 5; calls += 1) {
    expect(room.send(1, begin)).toBeNull();
    expect(room.send(1, piece)).toBeNull();
  }
  expect(room.send(1, piece)).toBe('header_bytes');
});

test('a frame is as large as was agreed', () => {
  expect(new Room().send(1, frame(FRAME.data, 0, 1, new Uint8Array(16_384)))).toBeNull();
  expect(new Room().send(1, frame(FRAME.data, 0, 1, new Uint8Array(16_385)))).toBe('frame_bytes');
});

test('frames are counted alike, wherever the bytes are cut', () => {
  const frames = fc.array(
    fc.record({ type: fc.constantFrom(0, 1, 2, 3, 4, 6, 8, 9, 77), length: fc.nat(40) }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(frames, fc.infiniteStream(fc.integer({ min: 1, max: 30 })), (sent, cuts) => {
      const bytes = Buffer.concat([
        PREFACE,
        ...sent.map(({ type, length }) => frame(type, 0, 1, new Uint8Array(length).fill(type))),
      ]);
      const cut = new FrameGuard(FRAME_LIMITS, () => 0);
      for (let at = 0; at < bytes.length; ) {
        const next = at + (cuts.next().value as number);
        expect(cut.read(bytes.subarray(at, next))).toBeNull();
        at = next;
      }
      expect(cut.frames).toBe(sent.length);
    }),
  );
});
