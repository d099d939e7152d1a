/** Receipts over HTTP: what became of a vote's id, never of its choice. */
import type { ApiDeps } from './api-deps.ts';
import { jsonResponse } from './json-response.ts';
import { audienceOf } from './operators.ts';
import { pollIdOf, pollNotFound } from './poll-answers.ts';
import { receiptJson } from './poll-json.ts';
import { problem } from './problems.ts';
import { jsonContent, problemResponses, type Route } from './route.ts';
import { pathReceipt, receiptSchema } from './schemas.ts';

export function receiptRoutes(deps: ApiDeps): readonly Route[] {
  return [
    {
      access: 'public',
      doc: {
        method: 'get',
        path: '/v1/polls/{poll}/receipts/{id}',
        tags: ['Votes'],
        operationId: 'getReceipt',
        summary: 'What became of a vote: never which option it chose',
        description:
          '`pending` may still become anything: ask again. Only `not_counted_final` says that the ' +
          'vote may be sent anew, under a new id.',
        request: { params: pathReceipt },
        responses: {
          200: jsonContent('The receipt.', receiptSchema),
          ...problemResponses('poll_not_found', 'receipt_unknown'),
        },
      },
      async handle(context, caller) {
        const poll = pollIdOf(context);
        // A draft has no votes, and is no more to be found here than elsewhere.
        if (deps.results.poll(poll, audienceOf(caller)) === null) return pollNotFound();
        const id = context.req.param('id') ?? '';
        const outcome = await deps.useCases.getReceipt({ poll, id });
        switch (outcome.kind) {
          case 'ok':
            return jsonResponse(receiptJson(outcome.receipt));
          case 'poll_not_found':
            return pollNotFound();
          case 'receipt_unknown':
            return problem('receipt_unknown', 'No vote can have this id.');
        }
      },
    },
  ];
}
