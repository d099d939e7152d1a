/** Decides what a poll may be created with and which of its settings may still change. */
import {
  DEFAULT_RESULTS_DETAIL,
  DEFAULT_RESULTS_VISIBILITY,
  DEFAULT_TIME_ZONE,
  type Poll,
  type PollOption,
  type PollSettings,
  type PollState,
} from './poll.ts';
import {
  type FieldProblem,
  type OptionFields,
  type PollFields,
  readPollFields,
} from './poll-fields.ts';
import type { DecisionTime } from './poll-lifecycle.ts';
import { stateAt } from './poll-state-at.ts';
import { uniqueSlug } from './slug.ts';

export type CreateDecision =
  | { readonly kind: 'created'; readonly poll: Poll }
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] };

export type UpdateDecision =
  | { readonly kind: 'changed'; readonly poll: Poll; readonly changed: readonly SettingName[] }
  | { readonly kind: 'unchanged'; readonly poll: Poll }
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] }
  | { readonly kind: 'frozen'; readonly problems: readonly FieldProblem[] }
  | { readonly kind: 'refused'; readonly state: PollState; readonly detail: string };

export type OptionImageDecision =
  | { readonly kind: 'changed'; readonly poll: Poll }
  | { readonly kind: 'unchanged'; readonly poll: Poll }
  | { readonly kind: 'option_not_found' }
  | { readonly kind: 'frozen'; readonly state: PollState };

export type SettingName = keyof PollSettings;

const SETTING_NAMES = [
  'title',
  'options',
  'opensAt',
  'closesAt',
  'timeZone',
  'votePolicy',
  'challengePolicy',
  'resultsVisibility',
  'resultsDetail',
  'look',
] as const satisfies readonly SettingName[];

/** What may change while votes are taken; closesAt only to a later instant. */
const LIVE_SETTINGS: ReadonlySet<SettingName> = new Set<SettingName>([
  'challengePolicy',
  'resultsVisibility',
  'closesAt',
  'look',
]);
/** What may change once the doors are shut. */
const LASTING_SETTINGS: ReadonlySet<SettingName> = new Set<SettingName>([
  'resultsVisibility',
  'look',
]);

/** How far in the past a new opensAt may lie: networks and clocks are slow, typing errors are years. */
export const OPENS_AT_PAST_MAX_MS = 60_000;

/**
 * A new poll from a request's body: `scheduled` where it says when it opens, else a `draft`.
 * `newId` is its id where the body names none, `log` the id of the log that its votes are to stand in.
 */
export function decideCreate(
  body: unknown,
  newId: string,
  now: number,
  log: string,
): CreateDecision {
  const read = readPollFields(body, 'id');
  if (read.kind === 'invalid') return read;
  const { title, options, id = newId } = read.fields;
  if (title === undefined || options === undefined) {
    const problems: FieldProblem[] = [];
    if (title === undefined) problems.push(invalid('/title', 'A poll needs a title.'));
    if (options === undefined) problems.push(invalid('/options', 'A poll needs options.'));
    return { kind: 'invalid', problems };
  }
  const blank: PollSettings = {
    title,
    options: [],
    opensAt: null,
    closesAt: null,
    timeZone: DEFAULT_TIME_ZONE,
    votePolicy: 'unlimited',
    challengePolicy: 'off',
    resultsVisibility: DEFAULT_RESULTS_VISIBILITY,
    resultsDetail: DEFAULT_RESULTS_DETAIL,
    look: { accentColor: null, logoUrl: null },
  };
  const settings = withFields(blank, read.fields);
  const problems = timeProblems(settings, read.fields, now);
  if (problems.length > 0) return { kind: 'invalid', problems };
  const state = settings.opensAt === null ? 'draft' : 'scheduled';
  return {
    kind: 'created',
    poll: { id, log, ...settings, state, version: 1, createdAt: now, updatedAt: now },
  };
}

/**
 * The poll with a PATCH body's fields. Before it opens everything may change, and setting opensAt
 * schedules it; afterwards only live settings. A frozen field that repeats what holds is no problem.
 */
export function decideUpdate(poll: Poll, fields: PollFields, at: DecisionTime): UpdateDecision {
  const settings = withFields(poll, fields);
  const changed = SETTING_NAMES.filter((name) => !isSame(settings[name], poll[name]));
  if (changed.length === 0) return { kind: 'unchanged', poll };
  const state = stateAt(poll, at.now);
  if (state === 'archived') return { kind: 'refused', state, detail: 'The poll is archived.' };
  const isBeforeOpening = state === 'draft' || state === 'scheduled';
  const problems = isBeforeOpening
    ? timeProblems(settings, fields, at.now)
    : frozenProblems(poll, settings, changed, state, at);
  if (problems.length > 0) return { kind: isBeforeOpening ? 'invalid' : 'frozen', problems };
  const nextState = isBeforeOpening
    ? settings.opensAt === null
      ? 'draft'
      : 'scheduled'
    : poll.state;
  const next = {
    ...poll,
    ...settings,
    state: nextState,
    version: poll.version + 1,
    updatedAt: at.now,
  };
  return { kind: 'changed', poll: next, changed };
}

/** The poll with another picture for one option: before it opens only. */
export function decideOptionImage(
  poll: Poll,
  optionId: string,
  imageUrl: string,
  now: number,
): OptionImageDecision {
  const option = poll.options.find(({ id }) => id === optionId);
  if (option === undefined) return { kind: 'option_not_found' };
  if (option.imageUrl === imageUrl) return { kind: 'unchanged', poll };
  const state = stateAt(poll, now);
  if (state !== 'draft' && state !== 'scheduled') return { kind: 'frozen', state };
  const options = poll.options.map((each) => (each === option ? { ...each, imageUrl } : each));
  return {
    kind: 'changed',
    poll: { ...poll, options, version: poll.version + 1, updatedAt: now },
  };
}

function withFields(base: PollSettings, fields: PollFields): PollSettings {
  const { options, look, ...plain } = fields;
  return {
    title: plain.title ?? base.title,
    options: options === undefined ? base.options : optionsOf(options, base.options),
    opensAt: plain.opensAt === undefined ? base.opensAt : plain.opensAt,
    closesAt: plain.closesAt === undefined ? base.closesAt : plain.closesAt,
    timeZone: plain.timeZone ?? base.timeZone,
    votePolicy: plain.votePolicy ?? base.votePolicy,
    challengePolicy: plain.challengePolicy ?? base.challengePolicy,
    resultsVisibility: plain.resultsVisibility ?? base.resultsVisibility,
    resultsDetail: plain.resultsDetail ?? base.resultsDetail,
    look: { ...base.look, ...look },
  };
}

/** Gives ids to options without one, and keeps the picture of an option that is only renamed. */
function optionsOf(
  given: readonly OptionFields[],
  before: readonly PollOption[],
): readonly PollOption[] {
  const taken = new Set(given.flatMap(({ id }) => (id === undefined ? [] : [id])));
  return given.map((option, index) => {
    const id = option.id ?? uniqueSlug(option.name, index + 1, taken);
    taken.add(id);
    const kept = before.find((each) => each.id === id)?.imageUrl ?? null;
    const imageUrl = option.imageUrl === undefined ? kept : option.imageUrl;
    return { id, name: option.name, imageUrl };
  });
}

function timeProblems(
  settings: PollSettings,
  fields: PollFields,
  now: number,
): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const { opensAt, closesAt } = settings;
  const isNewOpensAt = fields.opensAt !== undefined && fields.opensAt !== null;
  if (isNewOpensAt && opensAt !== null && opensAt < now - OPENS_AT_PAST_MAX_MS) {
    problems.push(invalid('/opensAt', 'The instant has passed; open the poll by its act instead.'));
  }
  // A deadline that has passed stays in a draft until it, or the opening, is set anew.
  const isNewTime = fields.opensAt !== undefined || fields.closesAt !== undefined;
  if (isNewTime && closesAt !== null && closesAt <= Math.max(opensAt ?? now, now)) {
    problems.push(invalid('/closesAt', 'Must be later than opensAt and than now.'));
  }
  return problems;
}

function frozenProblems(
  poll: Poll,
  settings: PollSettings,
  changed: readonly SettingName[],
  state: PollState,
  at: DecisionTime,
): readonly FieldProblem[] {
  const isTaking = state === 'open' || state === 'paused';
  const free = isTaking ? LIVE_SETTINGS : LASTING_SETTINGS;
  const problems = changed
    .filter((name) => !free.has(name))
    .map((name) => frozen(`/${name}`, `Can not change while the poll is ${state}.`));
  if (isTaking && changed.includes('closesAt')) {
    const before = poll.closesAt ?? at.effectiveAt;
    if (settings.closesAt === null || settings.closesAt <= before) {
      problems.push(frozen('/closesAt', 'Can only move to a later instant; to end now, close.'));
    } else if (poll.closesAt !== null && poll.closesAt <= at.effectiveAt) {
      problems.push(frozen('/closesAt', 'The doors shut before the change could reach them all.'));
    }
  }
  return problems;
}

function invalid(pointer: string, detail: string): FieldProblem {
  return { pointer, code: 'invalid_body', detail };
}

function frozen(pointer: string, detail: string): FieldProblem {
  return { pointer, code: 'settings_frozen', detail };
}

/** Settings are plain JSON whose members are always written in one order. */
function isSame(left: unknown, right: unknown): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}
