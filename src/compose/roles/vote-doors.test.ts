/** Several doors as one: a vote goes to the log of its poll, and to no other. */
import { expect, test } from 'bun:test';
import { samplePoll } from '../../../test/support/catalogue-samples.ts';
import type { DoorPoll, VoteDoor } from '../../application/voting/vote-door.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import { doorOf } from './vote-doors.ts';

const ON_OLD = samplePoll({ id: 'semi', log: '' });
const ON_NEW = samplePoll({ id: 'final', log: 'new' });
const ON_UNKNOWN = samplePoll({ id: 'next', log: 'newest' });
const KNOWN = [ON_OLD, ON_NEW, ON_UNKNOWN];

/** Doors that know the polls of all logs, as those of a process do, and write down what is cast. */
function doors(...logIds: string[]) {
  const cast: string[] = [];
  const made = logIds.map((logId) => {
    const prepared = new Map<string, DoorPoll>();
    const door: Pick<VoteDoor, 'poll' | 'cast'> = {
      poll(id) {
        const poll = KNOWN.find((one) => one.id === id);
        if (poll === undefined) return null;
        const known = prepared.get(id);
        if (known !== undefined) return known;
        const target = { poll, seed: [0, 0, 0] as never, options: new Map() };
        prepared.set(id, target);
        return target;
      },
      cast({ poll }, option, key) {
        cast.push(`${logId}: ${poll.id} ${option} ${key}`);
        return { kind: 'overloaded' };
      },
    };
    return { place: { settings: { logId } }, door };
  });
  return { made: made as unknown as Parameters<typeof doorOf>[0], cast };
}

const directories = { logOf: ({ log }: Pick<Poll, 'log'>) => (log === '' ? 'old' : log) };

function vote(door: ReturnType<typeof doorOf>, poll: string): string | undefined {
  const target = door.poll(poll);
  return target === null ? 'not found' : door.cast(target, 'ana', 'key').kind;
}

test('one log is served by its door itself', () => {
  const { made } = doors('old');
  expect(doorOf(made, directories)).toBe(made[0]?.door as never);
});

test('a vote is written to the log that its poll was made on', () => {
  const { made, cast } = doors('old', 'new');
  const door = doorOf(made, directories);
  for (const poll of ['semi', 'final', 'semi']) expect(vote(door, poll)).toBe('overloaded');
  expect(cast).toEqual(['old: semi ana key', 'new: final ana key', 'old: semi ana key']);
});

test('there is no poll where none is known, and none on a log that this process has not opened', () => {
  const { made, cast } = doors('old', 'new');
  const door = doorOf(made, directories);
  expect([vote(door, 'nowhere'), vote(door, 'next')]).toEqual(['not found', 'not found']);
  expect(cast).toEqual([]);
});

test('a poll that was not asked for at this door takes no vote: it could be one of another log', () => {
  const { made, cast } = doors('old', 'new');
  const stranger = made[1]?.door.poll('semi');
  if (stranger === undefined || stranger === null) throw new Error('The sample has no such poll.');
  expect(() => doorOf(made, directories).cast(stranger, 'ana', null)).toThrow('asked for here');
  expect(cast).toEqual([]);
});
