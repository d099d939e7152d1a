import { expect, test } from 'bun:test';
import { sampleAct } from '../../../test/support/catalogue-samples.ts';
import { VotingRoom } from '../../../test/support/voting-room.ts';
import { ACTS_PAGE_MAX, listActs } from './list-acts.ts';

test('acts are listed newest first, of one poll or of all, in pages of bounded length', async () => {
  const room = new VotingRoom();
  for (let at = 0; at <= ACTS_PAGE_MAX; at += 1) {
    await room.catalogue.recordAct(sampleAct({ at, poll: at === 0 ? 'semi' : 'final' }));
  }
  const all = await listActs(room, { poll: null, cursor: null, limit: 1e9 });
  expect(all.acts).toHaveLength(ACTS_PAGE_MAX);
  expect(all.acts[0]?.at).toBe(ACTS_PAGE_MAX);
  const rest = await listActs(room, { poll: null, cursor: all.nextCursor, limit: 10 });
  expect(rest).toEqual({ acts: [sampleAct({ at: 0, poll: 'semi' })], nextCursor: null });
  const semi = await listActs(room, { poll: 'semi', cursor: null, limit: 10 });
  expect(semi.acts.map(({ poll }) => poll)).toEqual(['semi']);
});
