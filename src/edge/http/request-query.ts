/** Reads a query strictly: what a route does not know is refused, so that a misspelt filter is not ignored. */
import type { z } from '@hono/zod-openapi';
import { problem } from './problems.ts';
import { noQuerySchema } from './query-schemas.ts';
import { type BodyRead, wordsOf } from './request-body.ts';

const ECHO_LENGTH_MAX = 64;

/** Null for a request without a query; else the problem. */
export function refuseQuery(request: Request): Response | null {
  if (!request.url.includes('?')) return null;
  const read = readQuery(request, noQuerySchema);
  return read.kind === 'refused' ? read.response : null;
}

export function readQuery<T>(request: Request, schema: z.ZodType<T>): BodyRead<T> {
  const { searchParams } = new URL(request.url);
  const given: Record<string, string> = Object.create(null);
  for (const [name, value] of searchParams) {
    if (name in given) return refused(`The parameter ${echo(name)} is given twice.`);
    given[name] = value;
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return { kind: 'ok', value: parsed.data };
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    return refused(`The parameter ${echo(issue.keys[0] ?? '')} is not known here.`);
  }
  const words = issue === undefined ? '' : wordsOf(issue);
  return refused(`The parameter ${echo(String(issue?.path[0] ?? ''))} is wrong: ${words}.`);
}

function echo(name: string): string {
  return JSON.stringify(name.slice(0, ECHO_LENGTH_MAX));
}

function refused(detail: string): { readonly kind: 'refused'; readonly response: Response } {
  return { kind: 'refused', response: problem('invalid_query', detail) };
}
