import { beforeEach, describe, expect, test } from 'bun:test';
import { START_TIME, VotingRoom } from '../../../test/support/voting-room.ts';
import { HOUR_MS, MINUTE_MS } from '../../domain/counting/time-window.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import type { Audience } from '../../domain/voting/visibility.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { Books, MinuteCount } from '../../ports/store-step.ts';
import {
  type ConsistencyStatement,
  type GetReportResult,
  getReport,
  type PollReport,
  REPORT_ACTS_MAX,
  REPORT_HOURS_MAX,
} from './get-report.ts';
import { ACTS_PAGE_MAX } from './list-acts.ts';

const MINUTE = START_TIME / MINUTE_MS;
const NO_BOOKS = { logged: 0, counted: 0, duplicate: 0, expired: 0, late: 0, voided: 0 };

let room: VotingRoom;
/** What was asked of the ledger, in order. Nothing of it reads a vote. */
let asked: string[];
let minutes: Map<string, MinuteCount[]>;
let books: Map<string, Partial<Books>>;
/** Called with every question for windows, as if votes came then. */
let onWindows: () => void;
let consistency: ConsistencyStatement;

beforeEach(() => {
  room = new VotingRoom();
  asked = [];
  minutes = new Map();
  books = new Map();
  onWindows = () => {};
  consistency = { state: 'consistent', checkedAt: START_TIME - 900, detail: null };
});

const ledger: Pick<Ledger, 'windows' | 'books'> = {
  async windows(scope, fromMinute, toMinute) {
    asked.push(`windows ${scope}`);
    const found = (minutes.get(scope) ?? []).filter(
      ({ minute }) => minute >= fromMinute && minute < toMinute,
    );
    onWindows();
    return found;
  },
  async books(scope) {
    asked.push(`books ${scope}`);
    return { scope, ...NO_BOOKS, ...books.get(scope) };
  },
};

/** Of a log that was made later: it holds three votes for Ana in whatever poll stands there. */
const newerLedger: typeof ledger = {
  windows: async (scope) => [{ scope, item: 'ana', lane: 'valid', minute: MINUTE, count: 3 }],
  books: async (scope) => ({ scope, ...NO_BOOKS, logged: 3, counted: 3 }),
};

function count(scope: string, item: string, votes: number, minute: number = MINUTE): void {
  const entry = { scope, item, lane: 'valid', minute, count: votes } as const;
  minutes.set(scope, [...(minutes.get(scope) ?? []), entry]);
  const known = books.get(scope);
  const sum = (known?.counted ?? 0) + votes;
  books.set(scope, { ...known, logged: (known?.logged ?? 0) + votes, counted: sum });
}

const ask = (
  audience: Audience = 'operator',
  compare: readonly string[] = [],
): Promise<GetReportResult> =>
  getReport(
    {
      directory: room.directory,
      clock: room.clock,
      settings: { logId: 'log-1', partitions: 2 },
      ledgerOf: ({ log }) => (log === 'newer' ? newerLedger : ledger),
      ledgerCheckpoint: async (partition) => ({ nextOffset: 10 + partition }),
      catalogue: room.catalogue,
      consistency: () => consistency,
    },
    { poll: 'final', audience, compare },
  );

async function report(
  audience: Audience = 'operator',
  compare: readonly string[] = [],
): Promise<PollReport> {
  const result = await ask(audience, compare);
  if (result.kind !== 'ok') throw new Error(result.kind);
  return result.report;
}

const place = (fields: Partial<Poll> = {}) =>
  room.place({ state: 'open', opensAt: START_TIME, ...fields });

describe('a report', () => {
  test('reads every poll that it compares in the ledger of the log that the poll stands on', async () => {
    await place();
    await place({ id: 'semi', log: 'newer' });
    count('final', 'bruno', 2);
    const { comparison } = await report('operator', ['semi']);
    expect(comparison?.map(({ poll, total }) => [poll.id, total])).toEqual([
      ['final', 2],
      ['semi', 3],
    ]);
  });

  test('is no GROUP BY over all raw votes: the ledger is asked for windows and books alone', async () => {
    await place();
    count('final', 'ana', 3);
    count('final', 'bruno', 1);
    books.set('final', { logged: 10, counted: 4, duplicate: 3, expired: 1, late: 1, voided: 1 });
    expect(await report()).toMatchObject({
      poll: { id: 'final', state: 'open' },
      logId: 'log-1',
      final: false,
      closedAt: null,
      total: 4,
      options: [
        { id: 'ana', votes: 3, share: 0.75 },
        { id: 'bruno', votes: 1, share: 0.25 },
      ],
      hours: [{ from: START_TIME, total: 4, votes: [3, 1] }],
      peakMinute: { from: START_TIME, votes: 4 },
      books: { logged: 10, counted: 4, duplicate: 3, late: 1, valid: 4, balanced: true },
      comparison: null,
    });
    expect(asked).toEqual(['windows final', 'books final']);
  });

  test('says how far the ledger was before it was asked', async () => {
    await place();
    expect((await report()).standing).toEqual({
      asOf: START_TIME,
      version: 21,
      offsets: [
        { partition: 0, next: 10 },
        { partition: 1, next: 11 },
      ],
    });
  });

  test('lists the acts in their order, with what voided votes, and whether stores agree', async () => {
    await place();
    const by = { actor: 'auditor', poll: 'final' };
    const act = { ...by, act: 'export', detail: 'votes' } as const;
    const voided = { ...by, at: START_TIME + 2, act: 'void', detail: 'a test vote' };
    await room.catalogue.recordAct({ ...act, at: START_TIME + 1 });
    await room.catalogue.recordAct(voided as unknown as typeof act & { readonly at: number });
    const { record } = await report();
    expect(record?.acts.map(({ at }) => at).slice(-2)).toEqual([START_TIME + 1, START_TIME + 2]);
    expect(record?.voids).toMatchObject([{ act: 'void', detail: 'a test vote' }]);
    expect(record).toMatchObject({ actsLeftOff: false, consistency });
  });

  test('lists the newest acts where there are more than it may', async () => {
    await place();
    for (let index = 1; index <= REPORT_ACTS_MAX; index += 1) {
      const act = { actor: 'a', act: 'export', poll: 'final', detail: null } as const;
      await room.catalogue.recordAct({ ...act, at: START_TIME + index });
    }
    const { record } = await report();
    expect(record?.acts).toHaveLength(REPORT_ACTS_MAX);
    expect(REPORT_ACTS_MAX % ACTS_PAGE_MAX).toBe(0);
    expect(record?.acts.at(-1)?.at).toBe(START_TIME + REPORT_ACTS_MAX);
    expect(record?.actsLeftOff).toBe(true);
  });

  test('of a closed poll is final, and says since when', async () => {
    await place({ state: 'closed', closesAt: START_TIME });
    const act = { actor: 'clock', act: 'closed', poll: 'final', detail: null } as const;
    await room.catalogue.recordAct({ ...act, at: START_TIME + 9 });
    expect(await report()).toMatchObject({ final: true, closedAt: START_TIME + 9 });
  });

  test('of a poll that closed on another record has no such instant', async () => {
    await place({ state: 'archived' });
    expect(await report()).toMatchObject({ final: true, closedAt: null });
  });
});

describe('windows and books of different instants', () => {
  test('are asked again until they agree', async () => {
    await place();
    let votes = 1;
    onWindows = () => {
      if (votes > 0) count('final', 'ana', 1);
      votes -= 1;
    };
    expect(await report()).toMatchObject({ total: 1, books: { counted: 1, balanced: true } });
    expect(asked).toHaveLength(4);
  });

  test('that never agree are said not to', async () => {
    await place();
    onWindows = () => count('final', 'ana', 1);
    expect(await report()).toMatchObject({ total: 2, books: { counted: 3, balanced: false } });
    expect(asked).toHaveLength(6);
  });
});

describe('who may read a report', () => {
  const shown = { resultsVisibility: 'always', resultsDetail: 'count' } as const;
  const forbidden = { kind: 'forbidden', poll: 'final' } as const;

  test('the public where it is shown counts, without acts, and without books until they are final', async () => {
    await place(shown);
    count('final', 'ana', 1);
    expect(await report('public')).toMatchObject({ total: 1, books: null, record: null });
    await place({ ...shown, state: 'published', version: 2 });
    expect(await report('public')).toMatchObject({ books: { counted: 1 }, record: null });
  });

  test.each(['percentage', 'winner'] as const)('not the public that sees a %s', async (detail) => {
    await place({ ...shown, resultsDetail: detail });
    expect(await ask('public')).toEqual(forbidden);
    expect((await ask('operator')).kind).toBe('ok');
    expect(asked).toEqual(['windows final', 'books final']);
  });

  test('nobody before the results are theirs to see', async () => {
    await place({ ...shown, resultsVisibility: 'after_vote' });
    expect(await ask('public')).toEqual(forbidden);
    expect((await ask('voter')).kind).toBe('ok');
  });

  test('a draft is not found by the public, nor is a poll that is not there', async () => {
    expect(await ask()).toEqual({ kind: 'poll_not_found', poll: 'final' });
    await place({ state: 'draft' });
    expect(await ask('public')).toEqual({ kind: 'poll_not_found', poll: 'final' });
  });
});

describe('polls side by side', () => {
  test('are told by hours since each one’s own opening, the reported one first', async () => {
    await place({ opensAt: START_TIME - HOUR_MS });
    await place({ id: 'semi', opensAt: START_TIME - 2 * HOUR_MS, closesAt: START_TIME - HOUR_MS });
    count('final', 'ana', 2, MINUTE - 60);
    count('final', 'ana', 5);
    count('semi', 'bruno', 4, MINUTE - 61);
    const { comparison, total } = await report('operator', ['semi']);
    expect(total).toBe(7);
    expect(comparison).toMatchObject([
      { poll: { id: 'final' }, startsAt: START_TIME - HOUR_MS, total: 7, hours: [2, 5] },
      { poll: { id: 'semi' }, startsAt: START_TIME - 2 * HOUR_MS, total: 4, hours: [4] },
    ]);
  });

  test('show no poll that its reader may not see', async () => {
    await place({ resultsVisibility: 'always', resultsDetail: 'count' });
    await place({ id: 'hidden', resultsDetail: 'count' });
    await place({ id: 'draft', state: 'draft' });
    expect(await ask('public', ['hidden'])).toEqual({ kind: 'forbidden', poll: 'hidden' });
    expect(await ask('public', ['draft'])).toEqual({ kind: 'poll_not_found', poll: 'draft' });
    expect(await ask('operator', ['none'])).toEqual({ kind: 'poll_not_found', poll: 'none' });
    expect(asked).toEqual([]);
  });
});

test('a report has no more hours than fit, whichever poll they are of', async () => {
  const hoursMax = REPORT_HOURS_MAX;
  await place();
  await place({ id: 'long', opensAt: START_TIME - hoursMax * HOUR_MS });
  const refused = { kind: 'range_too_long', poll: 'long', hoursMax } as const;
  expect(await ask('operator', ['long'])).toEqual(refused);
  await place({ version: 2, opensAt: START_TIME - hoursMax * HOUR_MS });
  expect(await ask()).toEqual({ ...refused, poll: 'final' });
});
