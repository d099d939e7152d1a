/** The promises of the partition ownership port, as tests that every adapter runs. */
import { afterEach, describe, expect, test } from 'bun:test';
import { waitUntil } from '../../test/support/wait-until.ts';
import { type OwnershipGroup, type PartitionOwnership, SESSION_MS } from './partition-ownership.ts';

/** Whose partitions a member shares; what is not named is the group's own. */
export type Seat = Partial<Pick<OwnershipGroup, 'logId' | 'role'>>;

/** One group of a role and a log of their own. Disposing it ends every member. */
export interface OwnershipGroupUnderTest extends AsyncDisposable {
  join(seat?: Seat): Promise<PartitionOwnership>;
  /** Ends a member as kill -9 would: nothing is said to the others. It must not be used again. */
  crash(member: PartitionOwnership): Promise<void>;
}

export interface OwnershipHarness {
  /** Makes a new group without members. */
  create(partitions: number): Promise<OwnershipGroupUnderTest>;
}

/** What the port calls "about twice" a session, and as much again for a busy machine. */
const SETTLED_WITHIN_MS = 4 * SESSION_MS;
/** A test waits for a few settlements, one behind the other. */
const TEST_TIMEOUT_MS = 5 * SETTLED_WITHIN_MS;

export function partitionOwnershipContract(name: string, harness: OwnershipHarness): void {
  describe(`partition ownership contract: ${name}`, () => {
    const open: AsyncDisposable[] = [];

    async function create(partitions: number): Promise<OwnershipGroupUnderTest> {
      const group = await harness.create(partitions);
      open.push(group);
      return group;
    }

    function check(what: string, body: () => Promise<void>): void {
      test(what, body, TEST_TIMEOUT_MS);
    }

    afterEach(async () => {
      for (const group of open.splice(0)) await group[Symbol.asyncDispose]();
    });

    check('one member owns every partition', async () => {
      const group = await create(5);
      const member = await group.join();
      await settled(5, member);
      expect(member.trouble).toBe(null);
    });

    check('several members own about the same number each, and together all', async () => {
      const group = await create(8);
      const members = [await group.join(), await group.join(), await group.join()];
      await settled(8, ...members);
      await untroubled(...members);
    });

    check('members that come at once share like members that come in turn', async () => {
      const group = await create(12);
      await settled(12, ...(await Promise.all([1, 2, 3, 4].map(() => group.join()))));
    });

    check('with more members than partitions somebody owns none, without trouble', async () => {
      const group = await create(2);
      const members = [await group.join(), await group.join(), await group.join()];
      await settled(2, ...members);
      await untroubled(...members);
      expect(members.map(({ owned }) => owned.size).toSorted()).toEqual([0, 1, 1]);
    });

    check('who joins one that has all is in trouble until it has its share', async () => {
      const group = await create(4);
      const before = await group.join();
      await settled(4, before);
      const late = await group.join();
      await untroubled(late);
      expect(late.owned.size).toBe(2);
    });

    check('a member that leaves owns none, and the others take its partitions', async () => {
      const group = await create(6);
      const leaving = await group.join();
      const staying = await group.join();
      await settled(6, leaving, staying);
      await leaving[Symbol.asyncDispose]();
      expect(leaving.owned.size).toBe(0);
      await settled(6, staying);
    });

    check('a member that crashes is replaced by the others', async () => {
      const group = await create(6);
      const crashing = await group.join();
      const staying = await group.join();
      await settled(6, crashing, staying);
      await group.crash(crashing);
      await settled(6, staying);
    });

    check('a new member gets its share, also of a group that had lost all', async () => {
      const group = await create(6);
      const first = await group.join();
      await settled(6, first);
      const second = await group.join();
      await settled(6, first, second);
      await Promise.all([group.crash(first), second[Symbol.asyncDispose]()]);
      await settled(6, await group.join());
    });

    check('roles do not share with each other, and neither do logs', async () => {
      const group = await create(4);
      const members = await Promise.all([
        group.join(),
        group.join({ role: 'another-role' }),
        group.join({ logId: 'another-log' }),
      ]);
      for (const member of members) await settled(4, member);
    });

    check('while members come and leave, no partition is two members’ at once', async () => {
      const group = await create(6);
      const members: PartitionOwnership[] = [];
      const overlaps: number[][] = [];
      const watch = (): void => {
        const all = members.flatMap(({ owned }) => [...owned]);
        if (new Set(all).size !== all.length) overlaps.push(all);
      };
      for (let count = 1; count <= 3; count += 1) {
        const member = await group.join();
        members.push(member);
        member.subscribe(watch);
        watch();
        await settled(6, ...members);
      }
      await members.shift()?.[Symbol.asyncDispose]();
      await settled(6, ...members);
      expect(overlaps).toEqual([]);
    });

    check('a subscriber is told after each change, until it is disposed of', async () => {
      const group = await create(4);
      const member = await group.join();
      const seen: (readonly number[])[] = [];
      let silenced = 0;
      using _ = member.subscribe(() => void seen.push(sorted(member)));
      const silent = member.subscribe(() => {
        silenced += 1;
      });
      const second = await group.join();
      await settled(4, member, second);
      expect(seen.at(-1)).toEqual(sorted(member));
      silent[Symbol.dispose]();
      const before = { told: seen.length, silenced };
      await second[Symbol.asyncDispose]();
      await settled(4, member);
      expect(seen.length).toBeGreaterThan(before.told);
      expect(seen.at(-1)).toEqual([0, 1, 2, 3]);
      expect(silenced).toBe(before.silenced);
    });

    check('after its disposal, once or twice, a member owns none for good', async () => {
      const group = await create(3);
      const member = await group.join();
      const other = await group.join();
      await settled(3, member, other);
      await Promise.all([member[Symbol.asyncDispose](), member[Symbol.asyncDispose]()]);
      expect(member.owned.size).toBe(0);
      expect(member.trouble).not.toBe(null);
      await other[Symbol.asyncDispose]();
      const next = await group.join();
      await settled(3, next);
      expect([member.owned.size, other.owned.size]).toEqual([0, 0]);
    });
  });
}

/** Waits until these members share the partitions out: each one's once, about as many to each. */
async function settled(partitions: number, ...members: PartitionOwnership[]): Promise<void> {
  await waitUntil(
    `${members.length} members share ${partitions} partitions out`,
    () => {
      const all = members.flatMap(sorted);
      const sizes = members.map(({ owned }) => owned.size);
      return (
        all.length === partitions &&
        all.toSorted((a, b) => a - b).every((partition, index) => partition === index) &&
        Math.max(...sizes) - Math.min(...sizes) <= 1
      );
    },
    SETTLED_WITHIN_MS,
  );
}

async function untroubled(...members: PartitionOwnership[]): Promise<void> {
  await waitUntil(
    'nobody is in trouble',
    () => members.every(({ trouble }) => trouble === null),
    SETTLED_WITHIN_MS,
  );
}

function sorted({ owned }: PartitionOwnership): readonly number[] {
  return [...owned].toSorted((a, b) => a - b);
}
