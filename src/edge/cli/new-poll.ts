/** What `apura poll create` sends: the fields of a JSON file, and over them those of the flags. */
import { readFile } from 'node:fs/promises';
import { ApuraError } from '../../domain/errors.ts';
import { SLUG_PATTERN } from '../../domain/voting/poll.ts';
import type { Json } from './operator-api.ts';

export interface NewPollFlags {
  readonly file: string | null;
  readonly id: string | null;
  readonly title: string | null;
  readonly option: readonly string[];
  readonly opensAt: string | null;
  readonly closesAt: string | null;
  readonly timeZone: string | null;
  readonly visibility: string | null;
  readonly detail: string | null;
}

/** @throws ApuraError `usage`: the file can't be read, or too little is given to make a poll of. */
export async function newPollBody(flags: NewPollFlags): Promise<Json> {
  const fromFile = flags.file === null ? {} : await readJsonFile(flags.file);
  const given: Record<string, unknown> = {
    id: flags.id,
    title: flags.title,
    options: flags.option.length === 0 ? null : flags.option.map(newOption),
    opensAt: flags.opensAt,
    closesAt: flags.closesAt,
    timeZone: flags.timeZone,
    resultsVisibility: flags.visibility,
    resultsDetail: flags.detail,
  };
  const fromFlags = Object.entries(given).filter(([, value]) => value !== null);
  const body = { ...fromFile, ...Object.fromEntries(fromFlags) };
  if (body.title === undefined || body.options === undefined) {
    throw new ApuraError(
      'usage',
      'a poll needs a title and at least two options: --title … --option … --option …, or --file',
    );
  }
  return body;
}

/** `ana=Ana Maria` names the option's id; `Ana Maria` leaves it to the server. */
function newOption(text: string): Json {
  const equals = text.indexOf('=');
  const id = text.slice(0, equals);
  return equals > 0 && SLUG_PATTERN.test(id)
    ? { id, name: text.slice(equals + 1) }
    : { name: text };
}

async function readJsonFile(file: string): Promise<Json> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new ApuraError('usage', `--file ${file} can not be read as JSON: ${cause}`, { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new ApuraError('usage', `--file ${file} does not hold a JSON object`);
}
