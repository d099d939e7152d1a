import { describe, expect, test } from 'bun:test';
import { helloWith, NOON, opsWith, pollWith, tickWith } from './live-fixtures.ts';
import type { LiveMessage } from './live-message.ts';
import { INITIAL_LIVE, type LiveState, reduceLive, serverNow } from './live-state.ts';
import type { OperatorAct } from './poll.ts';

const AT = 5_000;
const iso = (ms: number) => new Date(ms).toISOString();
const say = (state: LiveState, message: LiveMessage, at = AT) =>
  reduceLive(state, { type: 'message', message, at });
const greeted = () => say(INITIAL_LIVE, helloWith());
const final = (state: LiveState) => state.polls.get('final');

const act = (change: Partial<OperatorAct>): OperatorAct => ({
  at: iso(NOON),
  actor: 'op',
  act: 'open',
  poll: 'final',
  detail: null,
  ...change,
});

describe('a hello', () => {
  test('makes the link live and fills polls, ops, history and acts', () => {
    const state = say(
      INITIAL_LIVE,
      helloWith({
        history: [{ poll: 'final', seconds: { from: NOON - 2000, votes: { ana: [1, 2] } } }],
        acts: [act({})],
      }),
    );
    expect(state.link.phase).toBe('live');
    expect(final(state)?.seconds.votes.get('ana')).toEqual([1, 2]);
    expect(state.ops?.door.accepted).toBe(9);
    expect(state.acts).toHaveLength(1);
    expect(state.durability).toBe('power-safe');
  });

  test('keeps the counts of the same log and fills the seconds that were missed', () => {
    const before = say(
      greeted(),
      tickWith({ second: { at: iso(NOON - 5000), votes: { ana: 9 } } }),
    );
    const after = say(
      before,
      helloWith({
        history: [{ poll: 'final', seconds: { from: NOON - 4000, votes: { ana: [1, 2] } } }],
      }),
    );
    expect(final(after)?.total).toBe(10);
    expect(final(after)?.seconds.votes.get('ana')).toEqual([9, 1, 2]);
    expect(after.hellos).toBe(2);
  });

  test('of another log starts the counts from nothing', () => {
    const before = say(say(greeted(), tickWith()), { type: 'act', act: act({}) });
    const after = say(before, helloWith({ logId: 'log-2' }));
    expect(final(after)?.total).toBeNull();
    expect(final(after)?.version).toBe(0);
    expect(after.acts).toHaveLength(0);
  });

  test('forgets polls that are gone', () => {
    const after = say(greeted(), helloWith({ polls: [pollWith({ id: 'other' })] }));
    expect([...after.polls.keys()]).toEqual(['other']);
  });
});

describe('a tick', () => {
  test('moves the counts', () => {
    const state = say(greeted(), tickWith());
    expect(final(state)?.total).toBe(10);
    expect(final(state)?.votes).toEqual({ ana: 6, bia: 4 });
  });

  test('of an older version never takes counts back, yet its second counts', () => {
    const newer = say(greeted(), tickWith({ version: 20, total: 50, options: { ana: 50 } }));
    const late = say(
      newer,
      tickWith({ version: 19, total: 40, second: { at: iso(NOON), votes: { ana: 7 } } }),
    );
    expect(final(late)?.total).toBe(50);
    expect(final(late)?.seconds.votes.get('ana')).toEqual([7]);
  });

  test('says when the counts are being rebuilt', () => {
    expect(final(say(greeted(), tickWith({ stale: true })))?.stale).toBe(true);
  });

  test('of an unknown poll changes no poll', () => {
    const state = greeted();
    expect(say(state, tickWith({ poll: 'unknown' })).polls).toBe(state.polls);
  });
});

describe('fetched results', () => {
  const results = {
    poll: 'final',
    total: 7,
    options: [
      { id: 'ana', votes: 4 },
      { id: 'bia', votes: 3 },
    ],
    asOf: iso(NOON),
    version: 5,
    stale: false,
  };

  test('fill a poll that no tick has reached', () => {
    const state = reduceLive(greeted(), { type: 'results', results });
    expect(final(state)?.total).toBe(7);
    expect(final(state)?.votes).toEqual({ ana: 4, bia: 3 });
  });

  test('do not undo a newer tick', () => {
    const state = reduceLive(say(greeted(), tickWith()), { type: 'results', results });
    expect(final(state)?.total).toBe(10);
  });
});

describe('a poll', () => {
  test('that is new appears, one that is newer replaces, one that is older is dropped', () => {
    const added = say(greeted(), { type: 'poll', poll: pollWith({ id: 'new' }) });
    expect(added.polls.has('new')).toBe(true);
    const newer = say(added, { type: 'poll', poll: pollWith({ version: 3, state: 'paused' }) });
    const older = reduceLive(newer, { type: 'poll', poll: pollWith({ version: 2 }) });
    expect(final(older)?.poll.state).toBe('paused');
  });

  test('keeps its counts when its settings change', () => {
    const state = say(say(greeted(), tickWith()), { type: 'poll', poll: pollWith({ version: 2 }) });
    expect(final(state)?.total).toBe(10);
  });
});

describe('acts', () => {
  test('are listed newest first, each once', () => {
    const old = act({ at: iso(NOON - 1000), act: 'create' });
    const state = reduceLive(say(greeted(), { type: 'act', act: act({}) }), {
      type: 'acts',
      acts: [old, act({})],
    });
    expect(state.acts.map((entry) => entry.act)).toEqual(['open', 'create']);
  });
});

describe('the link', () => {
  test('stays lost, since the first failure, until a hello', () => {
    const lost = reduceLive(greeted(), { type: 'lost', at: 100, retryAt: 600 });
    const again = reduceLive(reduceLive(lost, { type: 'connecting' }), {
      type: 'lost',
      at: 700,
      retryAt: 1700,
    });
    expect(again.link).toEqual({ phase: 'lost', since: 100, retryAt: 1700 });
    expect(say(again, helloWith()).link.phase).toBe('live');
  });

  test('is connecting before the first hello', () => {
    expect(reduceLive(INITIAL_LIVE, { type: 'connecting' }).link.phase).toBe('connecting');
  });

  test('remembers when it last heard anything', () => {
    expect(say(greeted(), { type: 'act', act: act({}) }, 9_000).heardAt).toBe(9_000);
  });

  test('forgets everything on reset', () => {
    expect(reduceLive(greeted(), { type: 'reset' })).toBe(INITIAL_LIVE);
  });
});

describe('the server clock', () => {
  const ops = (serverMs: number): LiveMessage => ({
    type: 'ops',
    ...opsWith({ serverTime: iso(serverMs) }),
  });

  test('is what the fastest message says, whatever this page shows', () => {
    const state = say(greeted(), ops(NOON + 1_000), AT + 1_000 - 40);
    expect(serverNow(state, AT)).toBe(NOON + 40);
  });

  test('is not thrown back by one slow message', () => {
    const state = say(greeted(), ops(NOON), AT + 3_000);
    expect(serverNow(state, AT)).toBeGreaterThan(NOON - 100);
  });

  test('follows when the page clock was set forward', () => {
    let state = greeted();
    for (let i = 0; i < 400; i += 1)
      state = say(state, ops(NOON + i * 1000), AT + i * 1000 + 60_000);
    expect(Math.abs(serverNow(state, AT) - (NOON - 60_000))).toBeLessThan(1_000);
  });

  test('ends the curves at the newest time heard', () => {
    const state = say(say(greeted(), ops(NOON + 9_000)), tickWith());
    expect(state.serverKnownUntil).toBe(NOON + 9_000);
  });

  test('ignores a time that it can not read', () => {
    const state = greeted();
    const odd = say(state, { type: 'ops', ...opsWith({ serverTime: 'soon' }) });
    expect(odd.clockOffsetMs).toBe(state.clockOffsetMs);
  });
});
