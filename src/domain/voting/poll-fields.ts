/** Reads what a request says about a poll: JSON of unknown shape becomes typed fields or problems. */

import { isTimeZone } from '../counting/time-window.ts';
import type { ErrorCode } from '../error-codes.ts';
import {
  ACCENT_COLOR_PATTERN,
  CHALLENGE_POLICIES,
  type ChallengePolicy,
  IMAGE_PATH_PATTERN,
  type Look,
  OPTION_NAME_LENGTH_MAX,
  OPTIONS_MAX,
  OPTIONS_MIN,
  RESULTS_DETAILS,
  RESULTS_VISIBILITIES,
  type ResultsDetail,
  type ResultsVisibility,
  SLUG_PATTERN,
  TITLE_LENGTH_MAX,
  VOTE_POLICIES,
  type VotePolicy,
} from './poll.ts';
import { instantOf } from './rfc3339.ts';

/** One thing that is wrong with a body. */
export interface FieldProblem {
  /** RFC 6901 pointer into the body; empty for the body itself. */
  readonly pointer: string;
  readonly code: Extract<
    ErrorCode,
    'invalid_body' | 'unknown_field' | 'not_supported' | 'settings_frozen'
  >;
  /** In English, for a developer. */
  readonly detail: string;
}

export interface OptionFields {
  readonly id?: string;
  readonly name: string;
  readonly imageUrl?: string | null;
}

/** What a body said; absent where it said nothing. Times are ms since the Unix epoch. */
export interface PollFields {
  readonly id?: string;
  readonly expectedVersion?: number;
  readonly title?: string;
  readonly options?: readonly OptionFields[];
  readonly opensAt?: number | null;
  readonly closesAt?: number | null;
  readonly timeZone?: string;
  readonly votePolicy?: VotePolicy;
  readonly challengePolicy?: ChallengePolicy;
  readonly resultsVisibility?: ResultsVisibility;
  readonly resultsDetail?: ResultsDetail;
  readonly look?: Partial<Look>;
}

export type FieldsRead =
  | { readonly kind: 'ok'; readonly fields: PollFields }
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] };

/** No answer lists more problems than this. */
export const PROBLEMS_MAX = 50;
const ECHO_LENGTH_MAX = 64;

type Report = (pointer: string, detail: string, code?: FieldProblem['code']) => undefined;
/** Reads one value; undefined, after a report, where it is wrong. */
type Reader<T> = (value: unknown, pointer: string, report: Report) => T | undefined;

const SETTING_READERS: { readonly [K in keyof PollFields]-?: Reader<PollFields[K]> } = {
  id: readSlug,
  expectedVersion: readVersion,
  title: (value, pointer, report) => readText(value, pointer, report, TITLE_LENGTH_MAX),
  options: readOptions,
  opensAt: readInstant,
  closesAt: readInstant,
  timeZone: readTimeZone,
  votePolicy: (value, pointer, report) =>
    readSupported(VOTE_POLICIES, 'unlimited', value, pointer, report),
  challengePolicy: (value, pointer, report) =>
    readSupported(CHALLENGE_POLICIES, 'off', value, pointer, report),
  resultsVisibility: (value, pointer, report) =>
    readOneOf(RESULTS_VISIBILITIES, value, pointer, report),
  resultsDetail: (value, pointer, report) => readOneOf(RESULTS_DETAILS, value, pointer, report),
  look: readLook,
};

/**
 * Reads a body that creates (`id` allowed) or changes (`expectedVersion` allowed) a poll. Names and
 * titles come out trimmed and in Unicode form NFC.
 */
export function readPollFields(body: unknown, extra: 'id' | 'expectedVersion'): FieldsRead {
  const problems: FieldProblem[] = [];
  const report: Report = (pointer, detail, code = 'invalid_body') => {
    if (problems.length < PROBLEMS_MAX) problems.push({ pointer, code, detail });
  };
  const fields: Record<string, unknown> = {};
  if (!isJsonObject(body)) {
    report('', 'The body must be a JSON object.');
  } else {
    const excluded = extra === 'id' ? 'expectedVersion' : 'id';
    for (const [name, value] of Object.entries(body)) {
      const pointer = pointerTo(name);
      if (!Object.hasOwn(SETTING_READERS, name) || name === excluded) {
        report(pointer, 'The field is not known here.', 'unknown_field');
        continue;
      }
      const read = SETTING_READERS[name as keyof PollFields](value, pointer, report);
      if (read !== undefined) fields[name] = read;
    }
  }
  return problems.length > 0 ? { kind: 'invalid', problems } : { kind: 'ok', fields };
}

function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function pointerTo(name: string): string {
  return `/${name.slice(0, ECHO_LENGTH_MAX).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function readSlug(value: unknown, pointer: string, report: Report): string | undefined {
  if (typeof value === 'string' && SLUG_PATTERN.test(value)) return value;
  return report(pointer, 'Must be 1–63 of a–z, 0–9 and -, and not begin with -.');
}

function readVersion(value: unknown, pointer: string, report: Report): number | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
  return report(pointer, 'Must be a whole number from 1 on.');
}

function readText(
  value: unknown,
  pointer: string,
  report: Report,
  lengthMax: number,
): string | undefined {
  const text = typeof value === 'string' ? value.normalize('NFC').trim() : '';
  const length = [...text].length;
  // Control characters and unpaired surrogates break pages and exports; bidi overrides forge them.
  const isClean = !/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(text);
  if (length >= 1 && length <= lengthMax && isClean) return text;
  return report(pointer, `Must be a text of 1–${lengthMax} characters without control characters.`);
}

function readInstant(value: unknown, pointer: string, report: Report): number | null | undefined {
  if (value === null) return null;
  const instant = typeof value === 'string' ? instantOf(value) : null;
  if (instant !== null) return instant;
  return report(pointer, 'Must be an RFC 3339 time with a zone, or null.');
}

function readTimeZone(value: unknown, pointer: string, report: Report): string | undefined {
  if (typeof value === 'string' && isTimeZone(value)) return value;
  return report(pointer, 'Must be an IANA time zone, such as America/Sao_Paulo.');
}

function readOneOf<T extends string>(
  known: readonly T[],
  value: unknown,
  pointer: string,
  report: Report,
): T | undefined {
  const found = known.find((name) => name === value);
  return found ?? report(pointer, `Must be one of ${known.join(', ')}.`);
}

/** A setting that is known but not enforced yet is refused, never stored and then ignored. */
function readSupported<T extends string>(
  known: readonly T[],
  supported: T,
  value: unknown,
  pointer: string,
  report: Report,
): T | undefined {
  const found = readOneOf(known, value, pointer, report);
  if (found === undefined || found === supported) return found;
  return report(pointer, `Only ${supported} is enforced so far.`, 'not_supported');
}

function readLook(value: unknown, pointer: string, report: Report): Partial<Look> | undefined {
  if (!isJsonObject(value)) return report(pointer, 'Must be an object.');
  const look: { accentColor?: string | null; logoUrl?: string | null } = {};
  for (const [name, entry] of Object.entries(value)) {
    const at = pointer + pointerTo(name);
    if (name === 'accentColor') {
      const color = typeof entry === 'string' ? entry.toLowerCase() : entry;
      if (color === null || (typeof color === 'string' && ACCENT_COLOR_PATTERN.test(color))) {
        look.accentColor = color;
      } else {
        report(at, 'Must be a colour as #rrggbb, or null.');
      }
    } else if (name === 'logoUrl') {
      const path = readImagePath(entry, at, report);
      if (path !== undefined) look.logoUrl = path;
    } else {
      report(at, 'The field is not known here.', 'unknown_field');
    }
  }
  return look;
}

function readImagePath(value: unknown, pointer: string, report: Report): string | null | undefined {
  if (value === null || (typeof value === 'string' && IMAGE_PATH_PATTERN.test(value))) return value;
  return report(pointer, 'Must be the path of an image on this server, or null.');
}

function readOptions(
  value: unknown,
  pointer: string,
  report: Report,
): readonly OptionFields[] | undefined {
  if (!Array.isArray(value) || value.length < OPTIONS_MIN || value.length > OPTIONS_MAX) {
    return report(pointer, `Must be a list of ${OPTIONS_MIN}–${OPTIONS_MAX} options.`);
  }
  const options: OptionFields[] = [];
  const ids = new Set<string>();
  const names = new Set<string>();
  for (const [index, entry] of value.entries()) {
    const at = `${pointer}/${index}`;
    const option = readOption(entry, at, report);
    if (option === undefined) continue;
    if (option.id !== undefined && ids.has(option.id)) report(`${at}/id`, 'The id is taken.');
    if (names.has(option.name)) report(`${at}/name`, 'Another option has the same name.');
    if (option.id !== undefined) ids.add(option.id);
    names.add(option.name);
    options.push(option);
  }
  return options;
}

function readOption(entry: unknown, at: string, report: Report): OptionFields | undefined {
  if (!isJsonObject(entry)) return report(at, 'Must be an object.');
  for (const name of Object.keys(entry)) {
    if (name !== 'id' && name !== 'name' && name !== 'imageUrl') {
      report(at + pointerTo(name), 'The field is not known here.', 'unknown_field');
    }
  }
  const name = readText(entry.name, `${at}/name`, report, OPTION_NAME_LENGTH_MAX);
  const id = entry.id === undefined ? undefined : readSlug(entry.id, `${at}/id`, report);
  const imageUrl =
    entry.imageUrl === undefined
      ? undefined
      : readImagePath(entry.imageUrl, `${at}/imageUrl`, report);
  if (name === undefined) return undefined;
  return {
    name,
    ...(id === undefined ? {} : { id }),
    ...(imageUrl === undefined ? {} : { imageUrl }),
  };
}
