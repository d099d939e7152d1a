import { beforeEach, describe, expect, test } from 'bun:test';
import { START_TIME, VotingRoom } from '../../../test/support/voting-room.ts';
import {
  eventIdHex,
  formatUuidV7,
  idWords,
  mixScope,
  parseUuidV7,
  scopeSeed,
} from '../../domain/counting/event-id.ts';
import type { Audience } from '../../domain/voting/visibility.ts';
import type { EventPage, LedgerEvent } from '../../ports/ledger.ts';
import { EXPORT_PAGE_EVENTS, type ExportedVote, exportVotes } from './export-votes.ts';

let room: VotingRoom;
let events: LedgerEvent[];
let questions: [string, string | null, number][];

beforeEach(async () => {
  room = new VotingRoom();
  await room.place({ state: 'open' });
  events = [];
  questions = [];
});

/** Two events a page, whatever is asked for. */
const ledger = {
  events: async (scope: string, cursor: string | null, limit: number): Promise<EventPage> => {
    questions.push([scope, cursor, limit]);
    const from = Number(cursor ?? 0);
    const nextCursor = from + 2 < events.length ? String(from + 2) : null;
    return { events: events.slice(from, from + 2), nextCursor };
  },
};

const start = (audience: Audience = 'operator', poll: string = 'final') =>
  exportVotes(
    { directory: room.directory, clock: room.clock, catalogue: room.catalogue, ledger },
    { poll, audience, actor: 'auditor' },
  );

const pagesOf = async (): Promise<(readonly ExportedVote[])[]> => {
  const result = await start();
  if (result.kind !== 'ok') throw new Error(result.kind);
  return Array.fromAsync(result.pages);
};

/** A vote in the ledger, and the UUID that its voter sent. */
function addVote(fields: Partial<LedgerEvent> = {}): string {
  const uuid = formatUuidV7({ time: START_TIME, x: events.length, y: 99, z: 5 });
  const words = idWords();
  parseUuidV7(uuid, words);
  mixScope(words, scopeSeed('final'));
  events.push({
    id: eventIdHex(words),
    scope: 'final',
    item: 'ana',
    lane: 'valid',
    acceptedAt: START_TIME + events.length,
    state: 'counted',
    partition: 1,
    offset: 40,
    ...fields,
  });
  return uuid;
}

describe('an export', () => {
  test('hands out every vote with the id that its voter knows and its verdict', async () => {
    const first = addVote();
    const second = addVote({ item: 'bruno', state: 'late', lane: 'flagged' });
    const place = { partition: 1, offset: 40 };
    expect(await pagesOf()).toEqual([
      [
        {
          id: first,
          option: 'ana',
          lane: 'valid',
          state: 'counted',
          acceptedAt: START_TIME,
          ...place,
        },
        {
          id: second,
          option: 'bruno',
          lane: 'flagged',
          state: 'late',
          acceptedAt: START_TIME + 1,
          ...place,
        },
      ],
    ]);
  });

  test('goes page by page to the end, and asks for no page before it is wanted', async () => {
    for (let index = 0; index < 5; index += 1) addVote();
    const result = await start();
    expect(questions).toEqual([]);
    if (result.kind !== 'ok') throw new Error(result.kind);
    await result.pages.next();
    expect(questions).toEqual([['final', null, EXPORT_PAGE_EVENTS]]);
    await result.pages.return();
    expect((await pagesOf()).map((page) => page.length)).toEqual([2, 2, 1]);
  });

  test('of a poll without votes is empty', async () => {
    expect((await pagesOf()).flat()).toEqual([]);
  });

  test('is for operators, and recorded before the first vote leaves', async () => {
    expect(await start('public')).toEqual({ kind: 'forbidden' });
    expect(await start('voter')).toEqual({ kind: 'forbidden' });
    expect(await room.acts()).toEqual([]);
    await start();
    expect(await room.acts()).toEqual([
      { at: START_TIME, actor: 'auditor', act: 'export', poll: 'final', detail: 'votes, open' },
    ]);
  });

  test('of no poll is not found', async () => {
    expect(await start('operator', 'x')).toEqual({ kind: 'poll_not_found' });
  });

  test('stops at an id that is none', async () => {
    addVote({ id: 'x' });
    await expect(pagesOf()).rejects.toMatchObject({ code: 'store_corrupt' });
  });
});
