/** What routes that concern one poll have in common: its id, its absence, and what became of a change. */
import type { PollStateRefusal } from '../../application/voting/change-poll-state.ts';
import type { EditOutcome } from '../../application/voting/poll-editor.ts';
import type { FieldProblem } from '../../domain/voting/poll-fields.ts';
import type { Clock } from '../../ports/clock.ts';
import { jsonResponse } from './json-response.ts';
import type { Caller } from './operators.ts';
import { timedPollJson } from './poll-json.ts';
import { problem } from './problems.ts';
import { problemOfFields } from './request-body.ts';
import type { HttpContext } from './route.ts';

/** What is shown of a poll must hold at once when it changes: browsers and CDNs ask again after a second. */
const PUBLIC_CACHE = 'public, max-age=1, s-maxage=1';
const PRIVATE_CACHE = 'private, no-cache';

export function pollIdOf(context: HttpContext): string {
  return context.req.param('poll') ?? '';
}

export function cacheControlFor(caller: Caller): string {
  return caller.kind === 'operator' || caller.bearer !== null ? PRIVATE_CACHE : PUBLIC_CACHE;
}

export function pollNotFound(): Response {
  return problem('poll_not_found', 'No poll has this id.');
}

/** Every way in which a change of a poll can end. */
type ChangeOutcome = EditOutcome<
  | PollStateRefusal
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] }
  | { readonly kind: 'settings_frozen'; readonly problems: readonly FieldProblem[] }
  | { readonly kind: 'invalid_image'; readonly detail: string }
  | { readonly kind: 'option_not_found' }
>;

export function changeAnswer(outcome: ChangeOutcome, clock: Clock): Response {
  switch (outcome.kind) {
    case 'ok':
      return jsonResponse(timedPollJson(outcome.poll, clock.now()));
    case 'poll_not_found':
      return pollNotFound();
    case 'version_conflict':
      return problem('version_conflict', `The poll is at version ${outcome.version}.`, {
        members: { version: outcome.version },
      });
    case 'poll_state':
      return problem('poll_state', outcome.detail, { members: { state: outcome.state } });
    case 'invalid':
      return problemOfFields('invalid_body', outcome.problems);
    case 'settings_frozen':
      return problemOfFields('settings_frozen', outcome.problems);
    case 'invalid_image':
      return problem('invalid_image', outcome.detail);
    case 'option_not_found':
      // The option is part of the path here, not of a body.
      return problem('not_found', 'The poll has no option with this id.');
  }
}
