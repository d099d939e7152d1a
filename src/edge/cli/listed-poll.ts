/** A poll as the API shows it, as far as the commands read it. */
import { ApuraError } from '../../domain/errors.ts';
import type { Json } from './operator-api.ts';
import { textTable } from './text-table.ts';

export interface ListedPoll {
  readonly id: string;
  readonly title: string;
  readonly state: string;
  readonly options: readonly { readonly id: string; readonly name: string }[];
  /** RFC 3339, or null. */
  readonly opensAt: string | null;
  readonly closesAt: string | null;
  readonly timeZone: string;
}

/** @throws ApuraError `server_unreachable`: the JSON is not a poll. */
export function listedPoll(json: Json): ListedPoll {
  const { id, title, state, options, opensAt, closesAt, timeZone } = json;
  if (typeof id !== 'string' || typeof state !== 'string' || !Array.isArray(options)) {
    throw new ApuraError('server_unreachable', 'The answer is not a poll. Is this Apura?');
  }
  return {
    id,
    state,
    title: String(title),
    options: (options as Json[]).map((option) => ({
      id: String(option.id),
      name: String(option.name ?? option.id),
    })),
    opensAt: typeof opensAt === 'string' ? opensAt : null,
    closesAt: typeof closesAt === 'string' ? closesAt : null,
    timeZone: String(timeZone ?? 'UTC'),
  };
}

/** Polls for a person, times on each poll's own clock. */
export function pollTable(polls: readonly ListedPoll[]): string {
  const rows = polls.map((poll) => [
    poll.id,
    poll.state,
    zonedTime(poll.opensAt, poll.timeZone),
    zonedTime(poll.closesAt, poll.timeZone),
    String(poll.options.length),
    poll.title,
  ]);
  return textTable(['ID', 'STATE', 'OPENS', 'CLOSES', 'OPTIONS', 'TITLE'], rows, ['OPTIONS']);
}

/** `2026-11-21 17:00 GMT-3`; `-` for none. */
function zonedTime(time: string | null, timeZone: string): string {
  if (time === null) return '-';
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'shortOffset',
  }).formatToParts(new Date(time));
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
  const date = `${of('year')}-${of('month')}-${of('day')}`;
  return `${date} ${of('hour')}:${of('minute')} ${of('timeZoneName')}`;
}
