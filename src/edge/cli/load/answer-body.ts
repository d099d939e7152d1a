/** Reads what the JSON body of a vote's answer says, for the few answers where it must be parsed. */
import type { ResponseParser } from './response-parser.ts';

const decoder = new TextDecoder();

/** The stable code of a problem; `http_500` and the like where the body names none. */
export function problemCodeOf(answer: ResponseParser): string {
  const code = memberOf(answer, 'code');
  return typeof code === 'string' ? code : `http_${answer.status}`;
}

/** The id that an acknowledgement carries, or null. */
export function idOf(answer: ResponseParser): string | null {
  const id = memberOf(answer, 'id');
  return typeof id === 'string' ? id : null;
}

function memberOf({ buffer, bodyStart, bodyEnd }: ResponseParser, name: string): unknown {
  try {
    const body: unknown = JSON.parse(decoder.decode(buffer.subarray(bodyStart, bodyEnd)));
    if (typeof body !== 'object' || body === null) return null;
    return (body as Record<string, unknown>)[name];
  } catch {
    return null;
  }
}
