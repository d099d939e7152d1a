/** The form that makes or changes a draft: its state, what is wrong with it, and the body it becomes. */
import type { PollBody } from './api-client.ts';
import {
  OPTIONS_MAX,
  OPTIONS_MIN,
  type Poll,
  type ResultsDetail,
  type ResultsVisibility,
} from './poll.ts';
import type { FieldProblem } from './sender.ts';
import { instantOf, wallTimeOf } from './zoned-time.ts';

export const TITLE_LENGTH_MAX = 200;
export const NAME_LENGTH_MAX = 100;
const DEFAULT_TIME_ZONE = 'America/Sao_Paulo';

export interface OptionField {
  /** Names the row on the screen; never sent. */
  readonly key: number;
  /** Null until the server has given one. */
  readonly id: string | null;
  readonly name: string;
  readonly imageUrl: string | null;
  /** A picture that has been chosen and not uploaded yet. */
  readonly picture: Blob | null;
}

/** Times are wall-clock times of `timeZone` (`2026-11-21T20:00`), empty for none. */
export interface PollForm {
  readonly title: string;
  readonly options: readonly OptionField[];
  readonly opensAt: string;
  readonly closesAt: string;
  readonly timeZone: string;
  readonly resultsVisibility: ResultsVisibility;
  readonly resultsDetail: ResultsDetail;
}

export type FormIssue =
  | 'required'
  | 'too_long'
  | 'duplicate'
  | 'too_few_options'
  | 'no_such_time'
  | 'no_such_zone'
  | 'in_the_past'
  | 'closes_before_opens'
  | 'refused';

/** A field is `title`, `options`, `options.<key>`, `opensAt`, `closesAt`, `timeZone` or `form`. */
export type FormIssues = ReadonlyMap<
  string,
  { readonly issue: FormIssue; readonly detail: string }
>;

export function emptyForm(): PollForm {
  return {
    title: '',
    options: [emptyOption(1), emptyOption(2)],
    opensAt: '',
    closesAt: '',
    timeZone: DEFAULT_TIME_ZONE,
    resultsVisibility: 'after_vote',
    resultsDetail: 'percentage',
  };
}

/** The sample of the empty state: three names, closing two hours from now on a full five minutes. */
export function sampleForm(title: string, names: readonly string[], now: number): PollForm {
  const closes = Math.ceil((now + 2 * 3_600_000) / 300_000) * 300_000;
  return {
    ...emptyForm(),
    title,
    options: names.map((name, i) => ({ ...emptyOption(i + 1), name })),
    closesAt: wallTimeOf(closes, DEFAULT_TIME_ZONE),
  };
}

export function formOf(poll: Poll): PollForm {
  const wall = (time: string | null) =>
    time === null ? '' : wallTimeOf(Date.parse(time), poll.timeZone);
  return {
    title: poll.title,
    options: poll.options.map((option, i) => ({ ...option, key: i + 1, picture: null })),
    opensAt: wall(poll.opensAt),
    closesAt: wall(poll.closesAt),
    timeZone: poll.timeZone,
    resultsVisibility: poll.resultsVisibility,
    resultsDetail: poll.resultsDetail,
  };
}

export function withOption(form: PollForm): PollForm {
  if (form.options.length >= OPTIONS_MAX) return form;
  const key = Math.max(0, ...form.options.map((option) => option.key)) + 1;
  return { ...form, options: [...form.options, emptyOption(key)] };
}

export function withoutOption(form: PollForm, key: number): PollForm {
  if (form.options.length <= OPTIONS_MIN) return form;
  return { ...form, options: form.options.filter((option) => option.key !== key) };
}

export function withOptionChange(
  form: PollForm,
  key: number,
  change: Partial<Pick<OptionField, 'name' | 'picture'>>,
): PollForm {
  return {
    ...form,
    options: form.options.map((option) => (option.key === key ? { ...option, ...change } : option)),
  };
}

/** Moves an option one place up (-1) or down (+1); at the edge nothing moves. */
export function withOptionMoved(form: PollForm, key: number, by: -1 | 1): PollForm {
  const from = form.options.findIndex((option) => option.key === key);
  const moved = form.options[from];
  const other = form.options[from + by];
  if (moved === undefined || other === undefined) return form;
  const options = [...form.options];
  options[from] = other;
  options[from + by] = moved;
  return { ...form, options };
}

export function issuesOf(form: PollForm, serverNow: number): FormIssues {
  const issues = new Map<string, { issue: FormIssue; detail: string }>();
  const add = (field: string, issue: FormIssue) => issues.set(field, { issue, detail: '' });

  if (form.title.trim() === '') add('title', 'required');
  else if (form.title.trim().length > TITLE_LENGTH_MAX) add('title', 'too_long');

  if (form.options.length < OPTIONS_MIN) add('options', 'too_few_options');
  const seen = new Set<string>();
  for (const option of form.options) {
    const name = option.name.trim();
    const folded = name.toLowerCase();
    if (name === '') add(`options.${option.key}`, 'required');
    else if (name.length > NAME_LENGTH_MAX) add(`options.${option.key}`, 'too_long');
    else if (seen.has(folded)) add(`options.${option.key}`, 'duplicate');
    seen.add(folded);
  }

  const zone = instantOf('2000-01-01T00:00', form.timeZone);
  if (zone.kind === 'invalid') {
    add('timeZone', 'no_such_zone');
    return issues;
  }
  const opens = form.opensAt === '' ? null : instantOf(form.opensAt, form.timeZone);
  const closes = form.closesAt === '' ? null : instantOf(form.closesAt, form.timeZone);
  if (opens !== null && opens.kind !== 'instant') add('opensAt', 'no_such_time');
  if (closes !== null && closes.kind !== 'instant') add('closesAt', 'no_such_time');
  if (opens?.kind === 'instant' && opens.ms <= serverNow) add('opensAt', 'in_the_past');
  if (closes?.kind === 'instant') {
    if (closes.ms <= serverNow) add('closesAt', 'in_the_past');
    else if (opens?.kind === 'instant' && closes.ms <= opens.ms) {
      add('closesAt', 'closes_before_opens');
    }
  }
  return issues;
}

/** The body of a form without issues. */
export function bodyOf(form: PollForm): PollBody {
  const time = (wall: string) => {
    const instant = instantOf(wall, form.timeZone);
    return instant.kind === 'instant' ? new Date(instant.ms).toISOString() : null;
  };
  return {
    title: form.title.trim(),
    options: form.options.map((option) => ({
      ...(option.id === null ? {} : { id: option.id }),
      name: option.name.trim(),
    })),
    opensAt: time(form.opensAt),
    closesAt: time(form.closesAt),
    timeZone: form.timeZone,
    resultsVisibility: form.resultsVisibility,
    resultsDetail: form.resultsDetail,
  };
}

/** Puts what the server refused beside the fields that it names; the rest at the form itself. */
export function issuesFromServer(form: PollForm, errors: readonly FieldProblem[]): FormIssues {
  const issues = new Map<string, { issue: FormIssue; detail: string }>();
  for (const error of errors) {
    const [field = '', index] = error.pointer.replace(/^\//, '').split('/');
    const option = field === 'options' ? form.options[Number(index)] : undefined;
    const known = ['title', 'options', 'opensAt', 'closesAt', 'timeZone'].includes(field);
    const place = option === undefined ? (known ? field : 'form') : `options.${option.key}`;
    issues.set(place, { issue: 'refused', detail: error.detail });
  }
  return issues;
}

function emptyOption(key: number): OptionField {
  return { key, id: null, name: '', imageUrl: null, picture: null };
}
