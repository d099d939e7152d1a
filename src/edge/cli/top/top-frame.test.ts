/** The picture holds what the feed told, and fits any terminal. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type FrameSettings, topFrame } from './top-frame.ts';
import { TopModel } from './top-model.ts';

const NOW = Date.UTC(2026, 10, 21, 20, 0, 10);
const at = (ms: number) => new Date(ms).toISOString();

const poll = (id: string, state: string, names: readonly string[] = ['Ana', 'Bia']) => ({
  id,
  state,
  title: `Poll ${id}`,
  options: names.map((name) => ({ id: name.toLowerCase(), name, imageUrl: null })),
  opensAt: null,
  closesAt: null,
  timeZone: 'UTC',
});

const OPS = {
  type: 'ops',
  serverTime: at(NOW),
  door: {
    received: 1_234_600,
    accepted: 1_234_567,
    rejected: { overloaded: 3, poll_closed: 30, id_expired: 0 },
    unknown: 2,
    acceptedPerSecond: 19_000,
    peakPerSecond: 50_120,
    p50Ms: 1.234,
    p99Ms: 8.21,
  },
  lag: {
    tallyMs: 12.3,
    ledgerMs: null,
    partitions: [
      { partition: 0, end: 10, tally: 10, ledger: 7 },
      { partition: 1, end: 5, tally: 5, ledger: 5 },
    ],
  },
  consistency: { state: 'consistent', checkedAt: at(NOW), detail: null },
  processes: [{ name: 'serve', rssBytes: 150_000_000, cpuPercent: 41.6 }],
};

const HELLO = {
  type: 'hello',
  serverTime: at(NOW),
  durability: 'power-safe',
  logId: 'log',
  polls: [poll('old', 'closed'), poll('demo', 'open')],
  history: [{ poll: 'demo', seconds: { from: NOW - 3_000, votes: { ana: [4, 0, 8], bia: [4] } } }],
  ops: null,
  acts: [{ at: at(NOW - 5_000), actor: 'operator', act: 'open', poll: 'demo', detail: null }],
};

const TICK = {
  type: 'tick',
  serverTime: at(NOW),
  poll: 'demo',
  total: 1_000,
  options: { ana: 250, bia: 750 },
  version: 3,
  stale: false,
};

function modelOf(...messages: object[]): TopModel {
  const model = new TopModel();
  for (const message of messages) model.take({ ...message });
  return model;
}

function textOf(model: TopModel, settings: Partial<FrameSettings> = {}): string {
  return topFrame(model, {
    poll: null,
    columns: 80,
    rows: 24,
    connection: 'live',
    colour: false,
    ...settings,
  }).join('\n');
}

describe('the picture', () => {
  test('shows totals, rates, shares, lag, latency and consistency', () => {
    const text = textOf(modelOf(HELLO, TICK, OPS));
    expect(text).toContain('demo · open · Poll demo');
    expect(text).toContain('● consistent  20:00:10Z');
    expect(text).toContain('1,000 votes   8/s   peak 50,120/s   power-safe');
    expect(text).toMatch(/█ █\n/);
    expect(text).toMatch(/Bia +█+. +75\.00% +750 +0\/s\nAna +█+. +25\.00% +250 +8\/s/);
    expect(text).toContain('accepted 1,234,567 of 1,234,600   unknown 2   p50 1.23 ms   p99 8.21');
    expect(text).toContain('refused poll_closed 30, overloaded 3\n');
    expect(text).toContain('tally 12.3 ms, 0 blocks behind   ledger -, 3 blocks behind');
    expect(text).toContain('serve 150 MB, 42% CPU');
    expect(text).toContain('act     20:00:05Z operator open demo');
  });

  test('raises the alarm when the stores differ', () => {
    const consistency = { state: 'different', checkedAt: null, detail: 'partition 1, poll demo' };
    const text = textOf(modelOf(HELLO, TICK, { ...OPS, consistency }));
    expect(text).toContain('● different');
    expect(text).toContain('ALARM   the stores differ: partition 1, poll demo');
  });

  test('shows the poll that is asked for, or says that there is none', () => {
    expect(textOf(modelOf(HELLO, TICK, OPS), { poll: 'old' })).toContain('old · closed');
    expect(textOf(modelOf(HELLO), { poll: 'new' })).toContain('There is no poll new.');
    const empty = { ...HELLO, polls: [], history: [], acts: [] };
    expect(textOf(modelOf(empty))).toContain('There are no polls yet.');
  });

  test('says when the connection is lost, and shows what it knew', () => {
    const text = textOf(modelOf(HELLO, TICK, OPS), { connection: 'lost' });
    expect(text).toContain('○ lost');
    expect(text).toContain('1,000 votes');
  });

  test('of many options shows the leading ones and how many are left out', () => {
    const names = Array.from({ length: 100 }, (_, n) => `Option${n}`);
    const votes = Object.fromEntries(names.map((name, n) => [name.toLowerCase(), n]));
    const hello = { ...HELLO, polls: [poll('demo', 'open', names)], history: [] };
    const lines = textOf(modelOf(hello, { ...TICK, total: 4_950, options: votes }, OPS)).split(
      '\n',
    );
    expect(lines.length).toBeLessThanOrEqual(24);
    expect(lines.some((line) => line.startsWith('Option99'))).toBe(true);
    expect(lines.some((line) => line.startsWith('Option5 '))).toBe(false);
    expect(lines.find((line) => line.startsWith('…'))).toMatch(/^… and 8\d more$/);
    expect(lines.some((line) => line.startsWith('door'))).toBe(true);
  });

  test('follows polls, acts and seconds as they come, and a new hello starts over', () => {
    const model = modelOf(HELLO, TICK, OPS);
    model.take({ type: 'poll', poll: poll('demo', 'paused') });
    model.take({
      type: 'act',
      act: { at: at(NOW), actor: 'operator', act: 'pause', poll: 'demo' },
    });
    const second = { at: at(NOW), votes: { ana: 5, bia: 6 } };
    model.take({ ...TICK, serverTime: at(NOW + 1_000), second });
    model.take({ type: 'from-the-future' });
    const text = textOf(model);
    expect(text).toContain('demo · paused');
    expect(text).toContain('11/s');
    expect(text.indexOf('operator pause')).toBeLessThan(text.indexOf('operator open'));
    model.take({ ...HELLO, polls: [], history: [], acts: [] });
    expect(textOf(model)).toContain('There are no polls yet.');
  });

  test('keeps no more than 300 seconds a poll', () => {
    const model = modelOf(HELLO, TICK);
    for (let second = 0; second < 1_000; second += 1) {
      const time = NOW + second * 1_000;
      const votes = { ana: 1, bia: 0 };
      model.take({ ...TICK, serverTime: at(time + 1_000), second: { at: at(time), votes } });
    }
    const shown = model.perSecond('demo', 400);
    expect(shown.reduce((sum, n) => sum + n, 0)).toBe(300);
  });

  test('fits every terminal, whatever the names', () => {
    const size = fc.integer({ min: 1, max: 200 });
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(
        size,
        size,
        fc.array(name, { minLength: 2, maxLength: 30 }),
        (columns, rows, names) => {
          const hello = { ...HELLO, polls: [poll('demo', 'open', names)] };
          const settings = {
            poll: null,
            columns,
            rows,
            connection: 'live',
            colour: false,
          } as const;
          const lines = topFrame(modelOf(hello, TICK, OPS), settings);
          expect(lines.length).toBeLessThanOrEqual(rows);
          for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });

  test('uses colour only where it may', () => {
    expect(textOf(modelOf(HELLO, TICK, OPS))).not.toContain('\x1b');
    expect(textOf(modelOf(HELLO, TICK, OPS), { colour: true })).toContain('\x1b[32m● consistent');
  });
});
