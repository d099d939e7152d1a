/** Reads bodies without trusting them: type, size, encoding and depth are checked before anything is made of them. */
import type { z } from '@hono/zod-openapi';
import { type FieldError, problem } from './problems.ts';

export const JSON_BYTES_MAX = 64 * 1024;
/** A poll's deepest body, an option in the list of options, needs three. */
export const JSON_DEPTH_MAX = 8;

const FIELD_ERRORS_MAX = 50;
const ECHO_LENGTH_MAX = 64;

export type BodyRead<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'refused'; readonly response: Response };

const decoder = new TextDecoder('utf-8', { fatal: true });

/** A JSON body. `ifAbsent` is the value of an empty one; without it an empty body is invalid JSON. */
export async function readJson(
  request: Request,
  options: { readonly bytesMax?: number; readonly ifAbsent?: unknown } = {},
): Promise<BodyRead<unknown>> {
  const isOptional = 'ifAbsent' in options;
  const contentType = request.headers.get('content-type');
  const isTyped = contentType !== null && isJsonType(contentType);
  if (!isTyped && (contentType !== null || !isOptional)) {
    return refused(problem('unsupported_media_type', 'Send application/json in UTF-8.'));
  }
  const coding = request.headers.get('content-encoding') ?? 'identity';
  if (coding !== 'identity') {
    return refused(problem('unsupported_encoding', 'Send the body as it is: not packed.'));
  }
  const read = await readBytes(request, options.bytesMax ?? JSON_BYTES_MAX);
  if (read.kind === 'refused') return read;
  if (read.value.byteLength === 0 && isOptional) return { kind: 'ok', value: options.ifAbsent };
  if (!isTyped) {
    return refused(problem('unsupported_media_type', 'Send application/json in UTF-8.'));
  }
  return parseJson(read.value);
}

export function parseJson(bytes: Uint8Array): BodyRead<unknown> {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return refused(problem('invalid_json', 'The body is not UTF-8.'));
  }
  // Before the parser sees it: a parser answers to depth with its stack.
  if (isDeeperThan(text, JSON_DEPTH_MAX)) {
    return refused(problem('body_too_deep', `The body may nest ${JSON_DEPTH_MAX} levels deep.`));
  }
  try {
    return { kind: 'ok', value: JSON.parse(text) };
  } catch {
    return refused(problem('invalid_json', 'The body is not valid JSON.'));
  }
}

/** A body's bytes, at most `bytesMax`; stops reading as soon as there are more. */
export async function readBytes(request: Request, bytesMax: number): Promise<BodyRead<Uint8Array>> {
  const tooLarge = (): BodyRead<Uint8Array> =>
    refused(problem('body_too_large', `The body may have ${bytesMax} bytes.`));
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > bytesMax) return tooLarge();
  if (request.body === null) return { kind: 'ok', value: new Uint8Array() };
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of request.body) {
      size += chunk.byteLength;
      if (size > bytesMax) return tooLarge();
      chunks.push(chunk);
    }
  } catch {
    // The client went away or broke the transfer coding; nobody may be left to read this.
    return refused(problem('invalid_body', 'The body ended early.'));
  }
  const [first] = chunks;
  return {
    kind: 'ok',
    value: chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks),
  };
}

/** A body whose fields are wrong, as one problem; the first field's code is the problem's. */
export function problemOfFields(
  code: 'invalid_body' | 'settings_frozen',
  errors: readonly FieldError[],
): Response {
  const [first] = errors;
  const own = first?.code;
  const isOne = own === 'unknown_field' || own === 'not_supported';
  const detail = `${first?.pointer || 'The body'}: ${first?.detail ?? 'wrong.'}`;
  return problem(isOne && code === 'invalid_body' ? own : code, detail, { errors });
}

/** What is wrong, for the caller: who left a member out has not sent an `undefined`. */
export function wordsOf({ message }: Pick<z.core.$ZodIssue, 'message'>): string {
  return message.endsWith(', received undefined') ? 'must be given' : message;
}

/** What a strict schema found wrong, as errors of the API. */
export function fieldErrorsOf(issues: readonly z.core.$ZodIssue[]): readonly FieldError[] {
  return issues.flatMap((issue): readonly FieldError[] => {
    const pointer = issue.path.map(pointerPart).join('');
    if (issue.code !== 'unrecognized_keys') {
      return [{ pointer, code: 'invalid_body', detail: `${wordsOf(issue)}.` }];
    }
    return issue.keys.slice(0, FIELD_ERRORS_MAX).map((key) => ({
      pointer: pointer + pointerPart(key),
      code: 'unknown_field',
      detail: 'The field is not known here.',
    }));
  });
}

/** RFC 6901, and no longer than a person wants to read. */
function pointerPart(key: PropertyKey): string {
  const name = String(key).slice(0, ECHO_LENGTH_MAX);
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function isJsonType(contentType: string): boolean {
  const [type = '', ...parameters] = contentType.toLowerCase().split(';');
  if (!/^application\/([\w.-]+\+)?json$/.test(type.trim())) return false;
  return parameters.every((parameter) => {
    const [name, value] = parameter.split('=');
    return name?.trim() !== 'charset' || /^"?utf-?8"?$/.test(value?.trim() ?? '');
  });
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether brackets and braces outside of strings nest deeper than `levels`. */
function isDeeperThan(text: string, levels: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (isInString) {
      if (code === BACKSLASH) index += 1;
      else if (code === QUOTE) isInString = false;
    } else if (code === QUOTE) {
      isInString = true;
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > levels) return true;
    } else if (code === 0x7d || code === 0x5d) {
      depth -= 1;
    }
  }
  return false;
}

function refused(response: Response): { readonly kind: 'refused'; readonly response: Response } {
  return { kind: 'refused', response };
}
