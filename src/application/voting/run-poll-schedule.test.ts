import { beforeEach, describe, expect, test } from 'bun:test';
import { START_TIME, VotingRoom } from '../../../test/support/voting-room.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import { changePollState } from './change-poll-state.ts';
import { RunPollSchedule } from './run-poll-schedule.ts';

const SETTINGS = { acceptanceBoundMs: 5_000, clockBoundMs: 2_000 };
/** A + 2S: what CLOSE waits for after the doors have shut. */
const GRACE = 9_000;

/** How far ahead changes take effect where doors are in other processes. */
const EFFECT_DELAY = 2_000;

let room: VotingRoom;
let schedule: RunPollSchedule;
/** Polls whose CLOSE was appended, in order. */
let closes: string[];
let hasPassed: boolean;
let closeFaults: number;

const newSchedule = (): RunPollSchedule => {
  const { catalogue, clock, publisher, effectDelayMs, directory } = room;
  return new RunPollSchedule({
    ...{ catalogue, clock, publisher, effectDelayMs, directory },
    settings: SETTINGS,
    appendClose: async ({ id, closesAt }: Poll) => {
      if (closeFaults > 0) {
        closeFaults -= 1;
        throw new Error('the log is away');
      }
      closes.push(`${id} ${(closesAt ?? 0) - START_TIME}`);
    },
    storesPassed: async ({ id }) => hasPassed && closes.some((close) => close.startsWith(id)),
  });
};

beforeEach(() => {
  room = new VotingRoom();
  closes = [];
  hasPassed = false;
  closeFaults = 0;
  schedule = newSchedule();
});

const stateOf = async (id: string = 'final') => (await room.catalogue.poll(id))?.state;
const stepAt = async (ms: number): Promise<void> => {
  room.clock.jump(START_TIME + ms - room.clock.now());
  await schedule.step();
};

describe('the schedule', () => {
  test('opens a poll at its time and shuts it at its deadline, as acts of the clock', async () => {
    await room.place({ state: 'scheduled', opensAt: START_TIME + 10, closesAt: START_TIME + 20 });
    await stepAt(9);
    expect(await stateOf()).toBe('scheduled');
    await stepAt(10);
    expect(await stateOf()).toBe('open');
    expect(room.directory.newest('final')?.poll.state).toBe('open');
    await stepAt(20);
    expect(await stateOf()).toBe('closing');
    expect((await room.acts()).map(({ actor, act }) => `${actor} ${act}`)).toEqual([
      'clock open',
      'clock close',
    ]);
  });

  test('asks no store and writes nothing while nothing is due', async () => {
    await room.place({ state: 'open', closesAt: START_TIME + 1_000_000 });
    await room.place({ id: 'done', state: 'closed' });
    const asked: string[] = [];
    const poll = room.catalogue.poll.bind(room.catalogue);
    room.catalogue.poll = (id) => {
      asked.push(id);
      return poll(id);
    };
    await stepAt(0);
    await stepAt(500);
    expect(asked).toEqual([]);
    expect(room.controlLog).toHaveLength(2);
  });

  test('appends CLOSE once no door can have a vote under way, not a millisecond earlier', async () => {
    await room.place({ state: 'open', closesAt: START_TIME });
    await stepAt(0);
    await stepAt(GRACE - 1);
    expect(closes).toEqual([]);
    await stepAt(GRACE);
    expect(closes).toEqual(['final 0']);
  });

  test('counts the wait from when the doors learn of an early close, however late that is', async () => {
    await room.place({ state: 'open' });
    // The act is stored, but the log is away: the doors go on taking votes.
    room.appendFaults.push('refused');
    const close = changePollState(room, { poll: 'final', act: 'close', actor: 'operator' });
    await expect(close).rejects.toMatchObject({ code: 'log_unavailable' });
    await stepAt(30_000);
    expect(room.directory.newest('final')?.effectiveAt).toBe(START_TIME + 30_000);
    await stepAt(30_000 + GRACE - 1);
    expect(closes).toEqual([]);
    await stepAt(30_000 + GRACE);
    expect(closes).toEqual(['final 0']);
  });

  test('closes a poll only when every store has passed its CLOSE, and appends it once', async () => {
    await room.place({ state: 'closing', closesAt: START_TIME });
    await stepAt(GRACE);
    await stepAt(GRACE + 100);
    expect(closes).toHaveLength(1);
    expect(await stateOf()).toBe('closing');
    hasPassed = true;
    await stepAt(GRACE + 200);
    expect(await stateOf()).toBe('closed');
    expect(closes).toHaveLength(1);
    expect((await room.acts()).at(-1)).toMatchObject({ actor: 'clock', act: 'closed' });
  });

  test('closes in one round where the stores follow at once', async () => {
    await room.place({ state: 'closing', closesAt: START_TIME });
    hasPassed = true;
    await stepAt(GRACE);
    expect(await stateOf()).toBe('closed');
  });

  test('goes on after a restart wherever it was', async () => {
    await room.place({ state: 'scheduled', opensAt: START_TIME, closesAt: START_TIME + 10 });
    room.restart();
    schedule = newSchedule();
    await stepAt(10);
    expect(await stateOf()).toBe('closing');
    room.restart();
    schedule = newSchedule();
    await stepAt(10 + GRACE);
    expect(closes).toEqual(['final 10']);
    hasPassed = true;
    room.restart();
    schedule = newSchedule();
    await stepAt(11 + GRACE);
    expect(await stateOf()).toBe('closed');
    // The stores had passed it: it was not appended again.
    expect(closes).toHaveLength(1);
  });

  test('appends CLOSE again after a restart that left in doubt whether it stands in the log', async () => {
    await room.place({ state: 'closing', closesAt: START_TIME });
    await stepAt(GRACE);
    room.restart();
    schedule = newSchedule();
    await stepAt(GRACE + 1);
    expect(closes).toHaveLength(2);
  });

  test('is not held up by one poll’s failure, and tries that one again', async () => {
    await room.place({ id: 'first', state: 'closing', closesAt: START_TIME });
    await room.place({ id: 'second', state: 'closing', closesAt: START_TIME });
    hasPassed = true;
    closeFaults = 1;
    await expect(stepAt(GRACE)).rejects.toThrow('the log is away');
    expect([await stateOf('first'), await stateOf('second')]).toEqual(['closing', 'closed']);
    await stepAt(GRACE);
    expect(await stateOf('first')).toBe('closed');
  });

  test('publishes what a crash left between catalogue and log', async () => {
    await room.place({ state: 'draft' });
    room.appendFaults.push('refused');
    await changePollState(room, { poll: 'final', act: 'open', actor: 'x' }).catch(() => {});
    room.restart();
    schedule = newSchedule();
    await schedule.step();
    expect(room.directory.stored('final', START_TIME)?.state).toBe('open');
  });

  test('leaves alone what somebody else has moved meanwhile', async () => {
    const poll = await room.place({ state: 'scheduled', opensAt: START_TIME + 10 });
    const { catalogue } = room;
    const read = catalogue.poll.bind(catalogue);
    // An operator has taken the opening back, and the directory is yet to hear of it.
    catalogue.poll = async (id) => ({ ...((await read(id)) ?? poll), state: 'draft' });
    await stepAt(10);
    expect(room.controlLog).toHaveLength(1);
    expect(await room.acts()).toEqual([]);
  });
});

describe('the schedule beside doors of other processes', () => {
  beforeEach(() => {
    room = new VotingRoom(EFFECT_DELAY);
    schedule = newSchedule();
  });

  const stepAfter = async (ms: number): Promise<void> => {
    room.clock.advance(ms);
    await schedule.step();
  };

  test('counts the wait from when a closing was to take effect, where the log took it in time', async () => {
    await room.place({ state: 'closing', closesAt: START_TIME });
    await stepAfter(0);
    await stepAfter(EFFECT_DELAY + GRACE - 1);
    expect(closes).toEqual([]);
    await stepAfter(1);
    expect(closes).toEqual(['final 0']);
  });

  test('counts it from when it has read the closing itself, where the log was slow to take it', async () => {
    await room.place({ state: 'closing', closesAt: START_TIME });
    // Nobody could read the record for a minute, and doors took votes meanwhile.
    await stepAfter(60_000);
    await stepAfter(GRACE - 1);
    expect(closes).toEqual([]);
    await stepAfter(1);
    expect(closes).toEqual(['final 0']);
  });

  test('counts it anew after a restart, and by no clock that is set meanwhile', async () => {
    await room.place({ state: 'closing', closesAt: START_TIME });
    await stepAfter(0);
    await stepAfter(GRACE + EFFECT_DELAY - 1);
    room.restart();
    schedule = newSchedule();
    await stepAfter(1);
    room.clock.jump(3_600_000);
    await stepAfter(GRACE - 1);
    expect(closes).toEqual([]);
    await stepAfter(1);
    expect(closes).toEqual(['final 0']);
  });

  test('waits for each poll by itself', async () => {
    await room.place({ state: 'closing', closesAt: START_TIME });
    await stepAfter(0);
    await room.place({ id: 'other', state: 'closing', closesAt: START_TIME });
    await stepAfter(5_000);
    await stepAfter(EFFECT_DELAY + GRACE - 5_000);
    expect(closes).toEqual(['final 0']);
    hasPassed = true;
    await stepAfter(0);
    expect(await stateOf()).toBe('closed');
    await stepAfter(3_000);
    expect(closes).toEqual(['final 0', 'other 0']);
  });
});
