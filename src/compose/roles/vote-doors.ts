/** The doors of several logs as one: a poll's votes go to the log that it was made on. */
import type { DoorPoll, VoteDoor } from '../../application/voting/vote-door.ts';

export type Door = Pick<VoteDoor, 'poll' | 'cast'>;

/** The one door itself where there is one: a step less on the way of every vote. */
export function doorOf(doors: readonly VoteDoor[]): Door {
  const [only, ...others] = doors;
  if (only !== undefined && others.length === 0) return only;
  const owners = new WeakMap<DoorPoll, VoteDoor>();
  return {
    poll(id) {
      // The newest log first: it is where votes come in.
      for (const door of doors.toReversed()) {
        const poll = door.poll(id);
        if (poll === null) continue;
        owners.set(poll, door);
        return poll;
      }
      return null;
    },
    cast(target, option, key) {
      const door = owners.get(target);
      if (door === undefined) throw new Error('A vote is cast for a poll that was asked for here.');
      return door.cast(target, option, key);
    },
  };
}
