/** Recognises the API's answers, so that what a proxy makes of them never reaches the page. */
import type { Poll, PollState, Results, ResultsVisibility } from './poll.ts';

/** What a message about a poll changes on the page. */
export type PollChange = Pick<Poll, 'state' | 'opensAt' | 'closesAt'> &
  Partial<Pick<Poll, 'resultsVisibility'>>;

const VISIBILITIES: readonly ResultsVisibility[] = [
  'never',
  'after_vote',
  'after_close',
  'after_publish',
  'always',
];

const STATES: readonly PollState[] = [
  'draft',
  'scheduled',
  'open',
  'paused',
  'closing',
  'closed',
  'published',
  'archived',
];

export function readResults(value: unknown): Results | null {
  return isResults(value) ? value : null;
}

export function readPollChange(value: unknown): PollChange | null {
  if (!isRecord(value)) return null;
  const { state, opensAt, closesAt } = value;
  if (!isState(state) || !isTime(opensAt) || !isTime(closesAt)) return null;
  const visibility = VISIBILITIES.find((known) => known === value.resultsVisibility);
  const change = { state, opensAt, closesAt };
  return visibility === undefined ? change : { ...change, resultsVisibility: visibility };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isResults(value: unknown): value is Results {
  if (!isRecord(value) || !isState(value.state) || typeof value.version !== 'number') return false;
  if (typeof value.asOf !== 'string') return false;
  return value.visible === true ? Array.isArray(value.options) : typeof value.reason === 'string';
}

function isState(value: unknown): value is PollState {
  return STATES.some((state) => state === value);
}

function isTime(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}
