/** Polls over HTTP: list, create, read, change, and drive them through their life. */
import { listPolls, POLLS_PAGE_DEFAULT } from '../../application/voting/list-polls.ts';
import { POLL_ACTS, type PollAct } from '../../domain/voting/poll-lifecycle.ts';
import { rfc3339Of } from '../../domain/voting/rfc3339.ts';
import type { ApiDeps } from './api-deps.ts';
import { jsonResponse, taggedJson } from './json-response.ts';
import { audienceOf, OPERATOR_ACTOR } from './operators.ts';
import { cacheControlFor, changeAnswer, pollIdOf, pollNotFound } from './poll-answers.ts';
import { pollJson, timedPollJson } from './poll-json.ts';
import { problem } from './problems.ts';
import { listQuerySchema } from './query-schemas.ts';
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
import {
  actBodySchema,
  newPollSchema,
  pathPoll,
  pollListSchema,
  pollPatchSchema,
  pollSchema,
} from './schemas.ts';

const ACT_SUMMARIES: Readonly<Record<PollAct, string>> = {
  open: 'Open a poll now',
  pause: 'Hold votes off for a while',
  resume: 'Take votes again',
  close: 'Close a poll: `closing` at once, `closed` when every vote on its way is counted',
  publish: 'Announce the result',
  archive: 'Put a poll away',
};

export function pollRoutes(deps: ApiDeps): readonly Route[] {
  const acts = POLL_ACTS.map((act) => actRoute(deps, act));
  return [listRoute(deps), createRoute(deps), readRoute(deps), changeRoute(deps), ...acts];
}

function listRoute(deps: ApiDeps): Route {
  return {
    access: 'public',
    doc: {
      method: 'get',
      path: '/v1/polls',
      tags: ['Polls'],
      operationId: 'listPolls',
      summary: 'List polls, newest first; drafts to operators only',
      request: { query: listQuerySchema },
      responses: {
        200: jsonContent('A page of polls.', pollListSchema),
        ...problemResponses('invalid_query'),
      },
    },
    handle(context, caller) {
      const query = readQuery(context.req.raw, listQuerySchema);
      if (query.kind === 'refused') return query.response;
      const { state, cursor = null, limit = POLLS_PAGE_DEFAULT } = query.value;
      const page = listPolls(deps.reading, {
        audience: audienceOf(caller),
        cursor,
        limit,
        ...(state === undefined ? {} : { states: state }),
      });
      const { items, nextCursor, now } = page;
      const body = { items: items.map(pollJson), nextCursor, serverTime: rfc3339Of(now) };
      return jsonResponse(body, 200, { 'cache-control': cacheControlFor(caller) });
    },
  };
}

function createRoute(deps: ApiDeps): Route {
  return {
    access: 'operator',
    doc: {
      method: 'post',
      path: '/v1/polls',
      tags: ['Polls'],
      operationId: 'createPoll',
      summary: 'Create a poll: `scheduled` with `opensAt`, else a `draft`',
      security: OPERATOR_SECURITY,
      request: { body: jsonBody(newPollSchema) },
      responses: {
        201: jsonContent('The poll; Location names it.', pollSchema),
        ...problemResponses(...BODY_PROBLEMS, 'not_supported', 'poll_exists', ...OPERATOR_PROBLEMS),
      },
    },
    async handle(context) {
      const body = await readJson(context.req.raw);
      if (body.kind === 'refused') return body.response;
      const outcome = await deps.useCases.createPoll({ body: body.value, actor: OPERATOR_ACTOR });
      switch (outcome.kind) {
        case 'created': {
          const { poll } = outcome;
          const location = `/v1/polls/${poll.id}`;
          return jsonResponse(timedPollJson(poll, deps.reading.clock.now()), 201, { location });
        }
        case 'invalid':
          return problemOfFields('invalid_body', outcome.problems);
        case 'poll_exists':
          return problem('poll_exists', `There is a poll ${outcome.poll} already.`);
      }
    },
  };
}

function readRoute(deps: ApiDeps): Route {
  return {
    access: 'public',
    doc: {
      method: 'get',
      path: '/v1/polls/{poll}',
      tags: ['Polls'],
      operationId: 'getPoll',
      summary: 'Read a poll',
      request: { params: pathPoll },
      responses: {
        200: jsonContent('The poll.', pollSchema),
        304: { description: 'Not changed since the ETag that If-None-Match names.' },
        ...problemResponses('poll_not_found'),
      },
    },
    handle(context, caller) {
      const body = deps.results.poll(pollIdOf(context), audienceOf(caller));
      if (body === null) return pollNotFound();
      return taggedJson(context.req.raw, body, cacheControlFor(caller));
    },
  };
}

function changeRoute(deps: ApiDeps): Route {
  return {
    access: 'operator',
    doc: {
      method: 'patch',
      path: '/v1/polls/{poll}',
      tags: ['Polls'],
      operationId: 'updatePoll',
      summary: 'Change settings: all before the poll opens, the live ones afterwards',
      security: OPERATOR_SECURITY,
      request: { params: pathPoll, body: jsonBody(pollPatchSchema) },
      responses: {
        200: jsonContent('The poll as it is now.', pollSchema),
        ...problemResponses(
          ...BODY_PROBLEMS,
          'not_supported',
          'poll_not_found',
          'poll_state',
          'settings_frozen',
          'version_conflict',
          ...OPERATOR_PROBLEMS,
        ),
      },
    },
    async handle(context) {
      const body = await readJson(context.req.raw);
      if (body.kind === 'refused') return body.response;
      const poll = pollIdOf(context);
      const outcome = await deps.useCases.updatePoll({
        poll,
        body: body.value,
        actor: OPERATOR_ACTOR,
      });
      return changeAnswer(outcome, deps.reading.clock);
    },
  };
}

function actRoute(deps: ApiDeps, act: PollAct): Route {
  return {
    access: 'operator',
    doc: {
      method: 'post',
      path: `/v1/polls/{poll}/${act}`,
      tags: ['Polls'],
      operationId: `${act}Poll`,
      summary: ACT_SUMMARIES[act],
      security: OPERATOR_SECURITY,
      request: { params: pathPoll, body: jsonBody(actBodySchema, false) },
      responses: {
        200: jsonContent('The poll as it is now. An act repeated is an act done.', pollSchema),
        ...problemResponses(
          ...BODY_PROBLEMS,
          'poll_not_found',
          'poll_state',
          'version_conflict',
          ...OPERATOR_PROBLEMS,
        ),
      },
    },
    async handle(context) {
      const body = await readJson(context.req.raw, { ifAbsent: {} });
      if (body.kind === 'refused') return body.response;
      const given = actBodySchema.safeParse(body.value);
      if (!given.success) return problemOfFields('invalid_body', fieldErrorsOf(given.error.issues));
      const { expectedVersion } = given.data;
      const poll = pollIdOf(context);
      const outcome = await deps.useCases.changePollState({
        poll,
        act,
        actor: OPERATOR_ACTOR,
        expectedVersion,
      });
      return changeAnswer(outcome, deps.reading.clock);
    },
  };
}
