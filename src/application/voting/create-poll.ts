/** Creates a poll from a request's body. */
import type { Poll } from '../../domain/voting/poll.ts';
import type { FieldProblem } from '../../domain/voting/poll-fields.ts';
import { decideCreate } from '../../domain/voting/poll-settings.ts';
import type { PollEditorDeps } from './poll-editor.ts';

export interface CreatePollDeps extends PollEditorDeps {
  /** A fresh poll id: a slug that nobody can have guessed or used. */
  readonly newPollId: () => string;
  /** The id of the newest log: the poll's votes stand there, whatever logs come later. */
  readonly log: () => string;
}

export type CreatePollResult =
  | { readonly kind: 'created'; readonly poll: Poll }
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] }
  | { readonly kind: 'poll_exists'; readonly poll: string };

/** @throws as `editPoll`. */
export async function createPoll(
  deps: CreatePollDeps,
  input: { readonly body: unknown; readonly actor: string },
): Promise<CreatePollResult> {
  const now = deps.clock.now();
  const decision = decideCreate(input.body, deps.newPollId(), now, deps.log());
  if (decision.kind === 'invalid') return decision;
  const { poll } = decision;
  const stored = await deps.catalogue.putPoll({
    poll,
    expectedVersion: 0,
    act: { at: now, actor: input.actor, act: 'create', poll: poll.id, detail: poll.title },
    image: null,
  });
  if (stored === 'conflict') return { kind: 'poll_exists', poll: poll.id };
  await deps.publisher.run();
  return decision;
}
