/** Dead letters over HTTP: listed, read byte by byte, sent again or given up, one by one or many at once. */

import { LETTER_FAILURES, type LetterResult } from '../../application/metering/dead-letter-desk.ts';
import type { ErrorCode } from '../../domain/error-codes.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { DeadLetterState } from '../../domain/metering/dead-letter.ts';
import { jsonResponse } from './json-response.ts';
import type { MeteringUseCases } from './metering-deps.ts';
import { letterJson, wholeLetterJson } from './metering-pulse-json.ts';
import {
  LETTERS_PER_REQUEST_MAX,
  letterListSchema,
  letterSchema,
  lettersAnswerSchema,
  lettersBodySchema,
  wholeLetterSchema,
} from './metering-pulse-schemas.ts';
import { lettersQuerySchema, PAGE_ITEMS_DEFAULT, pathLetter, pathText } from './metering-query.ts';
import { OPERATOR_ACTOR } from './operators.ts';
import { problem } from './problems.ts';
import { fieldErrorsOf, problemOfFields, readJson } from './request-body.ts';
import { readQuery } from './request-query.ts';
import {
  BODY_PROBLEMS,
  jsonBody,
  jsonContent,
  OPERATOR_PROBLEMS,
  OPERATOR_SECURITY,
  problemResponses,
  type Route,
} from './route.ts';

type Verb = 'requeue' | 'discard';
type Resolver = Pick<
  MeteringUseCases,
  'requeueDeadLetter' | 'discardDeadLetter' | 'resolveDeadLetters'
>;

const STATES = {
  requeue: 'REQUEUED',
  discard: 'DISCARDED',
} as const satisfies Readonly<Record<Verb, DeadLetterState>>;
const SUMMARIES = {
  requeue: 'Send its bytes again into the log that they came from',
  discard: 'Give it up; its bytes stay',
} as const;
const MANY_SUMMARIES = {
  requeue: 'Send many again',
  discard: 'Give many up',
} as const;

export function letterRoutes(useCases: MeteringUseCases): readonly Route[] {
  return [
    listRoute(useCases),
    manyRoute(useCases, 'requeue'),
    manyRoute(useCases, 'discard'),
    readRoute(useCases),
    oneRoute(useCases, 'requeue'),
    oneRoute(useCases, 'discard'),
  ];
}

function listRoute(useCases: Pick<MeteringUseCases, 'deadLetters'>): Route {
  return {
    access: 'operator',
    doc: {
      method: 'get',
      path: '/v1/dead-letters',
      tags: ['Dead letters'],
      operationId: 'listDeadLetters',
      summary: 'List what could not be processed, newest failure first',
      security: OPERATOR_SECURITY,
      request: { query: lettersQuerySchema },
      responses: {
        200: jsonContent('A page of them, without their bytes.', letterListSchema),
        ...problemResponses('invalid_query', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context) {
      const query = readQuery(context.req.raw, lettersQuerySchema);
      if (query.kind === 'refused') return query.response;
      const { queue = null, state = null, tenant = null, code = null } = query.value;
      const { cursor = null, limit = PAGE_ITEMS_DEFAULT } = query.value;
      const filter = { queue, state, tenant, code };
      const { letters, nextCursor } = await useCases.deadLetters(filter, cursor, limit);
      return jsonResponse({ items: letters.map(letterJson), nextCursor });
    },
  };
}

function readRoute(useCases: Pick<MeteringUseCases, 'deadLetter'>): Route {
  return {
    access: 'operator',
    doc: {
      method: 'get',
      path: '/v1/dead-letters/{id}',
      tags: ['Dead letters'],
      operationId: 'getDeadLetter',
      summary: 'Read a dead letter with its bytes',
      security: OPERATOR_SECURITY,
      request: { params: pathLetter },
      responses: {
        200: jsonContent('The letter; its bytes in base64.', wholeLetterSchema),
        ...problemResponses('dead_letter_not_found', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context) {
      const id = pathText(context, 'id');
      const letter = id === null ? null : await useCases.deadLetter(id);
      return letter === null ? letterNotFound() : jsonResponse(wholeLetterJson(letter));
    },
  };
}

function oneRoute(useCases: Resolver, verb: Verb): Route {
  return {
    access: 'operator',
    doc: {
      method: 'post',
      path: `/v1/dead-letters/{id}/${verb}`,
      tags: ['Dead letters'],
      operationId: `${verb}DeadLetter`,
      summary: SUMMARIES[verb],
      security: OPERATOR_SECURITY,
      request: { params: pathLetter },
      responses: {
        200: jsonContent('The letter as it is now.', letterSchema),
        ...problemResponses(
          'dead_letter_not_found',
          'dead_letter_state',
          'log_unavailable',
          'append_unknown',
          ...OPERATOR_PROBLEMS,
        ),
      },
    },
    async handle(context) {
      const id = pathText(context, 'id');
      if (id === null) return letterNotFound();
      const outcome = await resolveOne(useCases, verb, id);
      switch (outcome.kind) {
        case 'ok':
          return jsonResponse(letterJson(outcome.letter));
        case 'not_found':
          return letterNotFound();
        case 'conflict': {
          const { state } = outcome.letter;
          return problem('dead_letter_state', `The letter is ${state}.`, { members: { state } });
        }
      }
    },
  };
}

function manyRoute(useCases: Resolver, verb: Verb): Route {
  return {
    access: 'operator',
    doc: {
      method: 'post',
      path: `/v1/dead-letters/${verb}`,
      tags: ['Dead letters'],
      operationId: `${verb}DeadLetters`,
      summary: MANY_SUMMARIES[verb],
      description:
        `By id, at most ${LETTERS_PER_REQUEST_MAX}, with the result of each; or all PENDING ones ` +
        'that match a filter, a bounded number a request, with those that could not be and why.',
      security: OPERATOR_SECURITY,
      request: { body: jsonBody(lettersBodySchema) },
      responses: {
        200: jsonContent('What became of them.', lettersAnswerSchema),
        ...problemResponses(
          ...BODY_PROBLEMS,
          'invalid_query',
          'log_unavailable',
          'append_unknown',
          ...OPERATOR_PROBLEMS,
        ),
      },
    },
    async handle(context) {
      const body = await readJson(context.req.raw);
      if (body.kind === 'refused') return body.response;
      const given = lettersBodySchema.safeParse(body.value);
      if (!given.success) return problemOfFields('invalid_body', fieldErrorsOf(given.error.issues));
      const { ids, filter = {}, cursor = null } = given.data;
      if (ids !== undefined)
        return jsonResponse({ results: await resolveEach(useCases, verb, ids) });
      const { queue = null, tenant = null, code = null } = filter;
      const { resolved, failed, nextCursor } = await useCases.resolveDeadLetters({
        filter: { queue, state: null, tenant, code },
        state: STATES[verb],
        actor: OPERATOR_ACTOR,
        cursor,
      });
      return jsonResponse({ resolved, failed, nextCursor, hasMore: nextCursor !== null });
    },
  };
}

/** One after another: each may write to the log, and a request takes no more of it than one letter does. */
async function resolveEach(useCases: Resolver, verb: Verb, ids: readonly string[]) {
  const results: {
    readonly id: string;
    readonly result: 'resolved' | 'not_found' | 'conflict' | 'failed';
    readonly state: DeadLetterState | null;
    readonly code?: ErrorCode;
    readonly detail?: string;
  }[] = [];
  for (const id of new Set(ids)) {
    const outcome = await resolveOne(useCases, verb, id).catch(impossible);
    if ('detail' in outcome) {
      results.push({ id, result: 'failed', state: 'PENDING', ...outcome });
      continue;
    }
    const result = outcome.kind === 'ok' ? 'resolved' : outcome.kind;
    const state = outcome.kind === 'not_found' ? null : outcome.letter.state;
    results.push({ id, result, state });
  }
  return results;
}

function resolveOne(useCases: Resolver, verb: Verb, id: string): Promise<LetterResult> {
  const input = { id, actor: OPERATOR_ACTOR };
  return verb === 'requeue' ? useCases.requeueDeadLetter(input) : useCases.discardDeadLetter(input);
}

/** What keeps one letter where it is, and no other. @throws what concerns them all. */
function impossible(error: unknown): { readonly code: ErrorCode; readonly detail: string } {
  if (error instanceof ApuraError && LETTER_FAILURES.has(error.code)) {
    return { code: error.code, detail: error.message };
  }
  throw error;
}

function letterNotFound(): Response {
  return problem('dead_letter_not_found', 'No dead letter has this id.');
}
