/** Proves that a receipt says what became of a vote, and not for whom it was. */
import { beforeEach, describe, expect, test } from 'bun:test';
import { EdgeRoom } from '../../../test/support/edge-room.ts';
import { START_TIME } from '../../../test/support/voting-room.ts';
import { formatUuidV7 } from '../../domain/counting/event-id.ts';
import { receiptSchema } from './schemas.ts';

const ID = formatUuidV7({ time: START_TIME, x: 1, y: 2, z: 3 });
let room: EdgeRoom;

beforeEach(async () => {
  room = new EdgeRoom();
  await room.place({ state: 'open' });
});

const receipt = async (id: string = ID) =>
  receiptSchema.parse(await room.json(`/v1/polls/final/receipts/${id}`));

describe('GET a receipt', () => {
  test('of a vote that counts says so, and not which option it chose', async () => {
    room.log(ID, { item: 'bruno' });
    const response = await room.ask(`/v1/polls/final/receipts/${ID.toUpperCase()}`);
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({
      id: ID,
      poll: 'final',
      status: 'counted',
      acceptedAt: '2026-11-21T20:00:00.000Z',
    });
    expect(text).not.toContain('bruno');
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  test.each(['late', 'expired', 'voided'] as const)(
    'of a vote that is %s says so',
    async (state) => {
      room.log(ID, { state });
      expect((await receipt()).status).toBe(state);
    },
  );

  test('of a vote that nobody knows is pending, until the log would refuse it', async () => {
    expect(await receipt()).toMatchObject({ status: 'pending', acceptedAt: null });
    room.ledgerLogTime = START_TIME + 600_001;
    expect(await receipt()).toMatchObject({ status: 'not_counted_final' });
  });

  test.each([
    'x',
    '0193512a-7c00-4000-8000-000000000000',
    '%F0',
    formatUuidV7({ time: START_TIME + 60_000, x: 1, y: 1, z: 1 }),
  ])('is none for the id %p', async (id) => {
    const response = await room.ask(`/v1/polls/final/receipts/${id}`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'receipt_unknown' });
  });

  test('is none where the poll is gone when it is asked', async () => {
    const { useCases } = room.deps;
    const getReceipt = async () => ({ kind: 'poll_not_found' }) as const;
    const racing = new EdgeRoom({ useCases: { ...useCases, getReceipt } });
    await racing.place({ state: 'open' });
    const response = await racing.ask(`/v1/polls/final/receipts/${ID}`);
    expect(await response.json()).toMatchObject({ code: 'poll_not_found' });
  });

  test.each(['none', 'secret'])('is none in the poll %p', async (poll) => {
    await room.place({ id: 'secret', state: 'draft' });
    const response = await room.ask(`/v1/polls/${poll}/receipts/${ID}`);
    expect(await response.json()).toMatchObject({ code: 'poll_not_found' });
  });
});
