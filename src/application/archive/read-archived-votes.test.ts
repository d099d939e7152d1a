import { expect, test } from 'bun:test';
import { event, sealEvents, T0 } from '../../../test/support/blocks.ts';
import { MemoryArchive } from '../../adapters/memory/archive.ts';
import { decodeBlock } from '../../domain/counting/block.ts';
import { eventIdHex } from '../../domain/counting/event-id.ts';
import type { Archive } from '../../ports/archive.ts';
import { LOG_ID } from '../../ports/store-under-test.ts';
import { archivableVotes } from './archive-decoder.ts';
import { readArchivedVotes } from './read-archived-votes.ts';

const EVER = { logId: LOG_ID, from: 0, to: Number.MAX_SAFE_INTEGER };
const VOTES = [
  event(1),
  event(2, { scope: 'semifinal', item: 'bia', lane: 'flagged', acceptedAt: T0 - 1 }),
  event(3, { item: 'bia', acceptedAt: T0 - 2, time: T0 - 900 }),
];

async function filled(): Promise<Archive> {
  const archive = new MemoryArchive();
  const block = decodeBlock(sealEvents(VOTES, T0 + 3));
  await archive.put(LOG_ID, 2, archivableVotes([{ offset: 9, block }]).columns);
  return archive;
}

const seen = (vote: (typeof VOTES)[number]) => ({
  id: eventIdHex(vote),
  scope: vote.scope,
  item: vote.item,
  lane: vote.lane,
  acceptedAt: vote.acceptedAt,
  loggedAt: T0 + 3,
  partition: 2,
  offset: 9,
});

test('archived votes are read as they were logged, by the time of their acceptance', async () => {
  const archive = await filled();
  const read = async (from: number, to: number, poll: string | null) =>
    (
      await Array.fromAsync(
        readArchivedVotes(archive, { logId: LOG_ID, from, to }, poll, () => {
          throw new Error('All can be read.');
        }),
      )
    ).flat();
  const inOrder = [VOTES[1], VOTES[2], VOTES[0]].map((vote) => seen(vote ?? event(0)));
  expect(await read(EVER.from, EVER.to, null)).toEqual(inOrder);
  expect(await read(T0 - 1, T0, null)).toEqual(inOrder.slice(0, 1));
});

test('those of one poll are its own alone', async () => {
  const pages = await Array.fromAsync(readArchivedVotes(await filled(), EVER, 'final', () => {}));
  expect(pages.flat().map(({ scope, item }) => [scope, item])).toEqual([
    ['final', 'bia'],
    ['final', 'ana'],
  ]);
});

test('what is no vote is told apart', async () => {
  const archive = await filled();
  const damaged: Pick<Archive, 'read'> = {
    async *read(...range) {
      for await (const page of archive.read(...range)) {
        yield page.map((each, at) => (at === 1 ? { ...each, bytes: Uint8Array.of(9) } : each));
      }
    },
  };
  const unreadable: string[] = [];
  const votes = await Array.fromAsync(
    readArchivedVotes(damaged, EVER, null, ({ key }) => unreadable.push(key)),
  );
  expect(votes.flat()).toHaveLength(2);
  expect(unreadable).toEqual([eventIdHex(VOTES[2] ?? event(0))]);
});
