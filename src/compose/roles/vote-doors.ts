/** The doors of several logs as one: a poll's votes go to the log that it was made on. */
import type { PollDirectories } from '../../application/voting/log-router.ts';
import type { DoorPoll, VoteDoor } from '../../application/voting/vote-door.ts';
import type { LogDoor } from './log-door.ts';

export type Door = Pick<VoteDoor, 'poll' | 'cast'>;

/** The one door itself where there is one: a step less on the way of every vote. */
export function doorOf(
  doors: readonly Pick<LogDoor, 'place' | 'door'>[],
  directories: Pick<PollDirectories, 'logOf'>,
): Door {
  const [only, ...others] = doors;
  if (only !== undefined && others.length === 0) return only.door;
  const byLog = new Map(doors.map(({ place, door }) => [place.settings.logId, door]));
  const owners = new WeakMap<DoorPoll, VoteDoor>();
  return {
    poll(id) {
      const seen = only?.door.poll(id) ?? null;
      if (seen === null) return null;
      const door = byLog.get(directories.logOf(seen.poll));
      const poll = door?.poll(id) ?? null;
      if (door !== undefined && poll !== null) owners.set(poll, door);
      return poll;
    },
    cast(target, option, key) {
      const door = owners.get(target);
      if (door === undefined) throw new Error('A vote is cast for a poll that was asked for here.');
      return door.cast(target, option, key);
    },
  };
}
