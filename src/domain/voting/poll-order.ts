/** The order in which polls are listed, newest first, and the cursors that name a place in it. */
import { ApuraError } from '../errors.ts';
import type { Poll } from './poll.ts';

export type PollPlace = Pick<Poll, 'createdAt' | 'id'>;

/** By creation, newest first; then by id. Two polls never share a place. */
export function newestFirst(left: PollPlace, right: PollPlace): number {
  return right.createdAt - left.createdAt || (left.id < right.id ? -1 : Number(left.id > right.id));
}

/** Names the place of the last poll of a page: the next page starts behind it. */
export function cursorAt(place: PollPlace): string {
  return `${place.createdAt}.${place.id}`;
}

/** @throws ApuraError `invalid_query`: not a cursor. */
export function placeOf(cursor: string): PollPlace {
  const match = /^(\d{1,15})\.([a-z0-9-]{1,63})$/.exec(cursor);
  const id = match?.[2];
  if (id === undefined) throw new ApuraError('invalid_query', 'The cursor is not one of a list.');
  return { createdAt: Number(match?.[1]), id };
}
