/** The body of a vote: `{"option":"…"}`, read strictly, and once for all the votes that say the same. */
import type { PublicErrorCode } from './problems.ts';

export const VOTE_BODY_BYTES_MAX = 1024;
const DEPTH_MAX = 8;
/** Bodies that are remembered; a poll has at most 100 options, and few ways to write each. */
const REMEMBERED_MAX = 1024;
const REMEMBERED_LENGTH_MAX = 160;
/** Of JSON: an object with one text in it. A parser keeps the last of two fields of one name. */
const ONE_FIELD = /^\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*"(?:[^"\\]|\\.)*"\s*\}\s*$/;

/** What is wrong with a body, and where. */
export interface UnreadableBody {
  readonly code: PublicErrorCode;
  readonly detail: string;
  /** RFC 6901 pointer to the field at fault; null where it is the body as a whole. */
  readonly pointer: string | null;
}

const bad = (
  code: PublicErrorCode,
  detail: string,
  pointer: string | null = null,
): UnreadableBody => ({ code, detail, pointer });

/** How deep arrays and objects nest, strings left aside. */
function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < json.length; at += 1) {
    const char = json[at];
    if (inString) {
      if (char === '\\') at += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (char === '}' || char === ']') depth -= 1;
  }
  return deepest;
}

/** The option that a vote's body names, or what is wrong with it. */
function parseVoteBody(text: string): string | UnreadableBody {
  if (depthOf(text) > DEPTH_MAX) {
    return bad('body_too_deep', `The body nests deeper than ${DEPTH_MAX} levels.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return bad('invalid_json', 'The body is not valid JSON; send {"option":"<id of an option>"}.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return bad('invalid_body', 'The body must be an object like {"option":"<id>"}.', '');
  }
  for (const field of Object.keys(value)) {
    if (field === 'option') continue;
    const pointer = `/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    return field === 'pass'
      ? bad('not_supported', 'This poll asks for no pass; send the vote without one.', pointer)
      : bad('unknown_field', 'A vote has the field "option" and no other.', pointer);
  }
  const option = 'option' in value ? value.option : undefined;
  if (typeof option !== 'string' || option === '') {
    return bad('invalid_body', 'The field "option" must be the id of an option.', '/option');
  }
  if (!ONE_FIELD.test(text)) {
    return bad('invalid_body', 'A vote names one option, once.', '/option');
  }
  return option;
}

/** Remembers what bodies say: a poll's votes are the same few texts millions of times over. */
export class VoteBodies {
  readonly #options = new Map<string, string>();

  /** The option that a body names, or null where it has to be parsed. */
  known(text: string): string | null {
    return this.#options.get(text) ?? null;
  }

  /** The option that a body names, or what is wrong with it. */
  parse(text: string): string | UnreadableBody {
    const option = parseVoteBody(text);
    if (typeof option === 'string' && text.length <= REMEMBERED_LENGTH_MAX) {
      if (this.#options.size >= REMEMBERED_MAX) this.#options.clear();
      this.#options.set(text, option);
    }
    return option;
  }
}
