/** Changes a poll's settings: all of them before it opens, the live ones afterwards. */
import { type FieldProblem, readPollFields } from '../../domain/voting/poll-fields.ts';
import { decideUpdate } from '../../domain/voting/poll-settings.ts';
import type { PollStateRefusal } from './change-poll-state.ts';
import { type EditOutcome, editPoll, type PollEditorDeps } from './poll-editor.ts';

type Refusal =
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] }
  | { readonly kind: 'settings_frozen'; readonly problems: readonly FieldProblem[] }
  | PollStateRefusal;

export type UpdatePollResult = EditOutcome<Refusal>;

/** The body is a PATCH: settings to change, and `expectedVersion` if it matters. @throws as `editPoll`. */
export async function updatePoll(
  deps: PollEditorDeps,
  input: { readonly poll: string; readonly body: unknown; readonly actor: string },
): Promise<UpdatePollResult> {
  const read = readPollFields(input.body, 'expectedVersion');
  if (read.kind === 'invalid') return read;
  const { expectedVersion, ...fields } = read.fields;
  const target = { poll: input.poll, actor: input.actor, expectedVersion };
  return editPoll<Refusal>(deps, target, (poll, at) => {
    const decision = decideUpdate(poll, fields, at);
    switch (decision.kind) {
      case 'unchanged':
        return { kind: 'settled', outcome: { kind: 'ok', poll } };
      case 'invalid':
        return { kind: 'settled', outcome: decision };
      case 'frozen':
        return {
          kind: 'settled',
          outcome: { kind: 'settings_frozen', problems: decision.problems },
        };
      case 'refused':
        return { kind: 'settled', outcome: { ...decision, kind: 'poll_state' } };
      case 'changed': {
        const isScheduling = poll.state === 'draft' && decision.poll.state === 'scheduled';
        return {
          kind: 'store',
          poll: decision.poll,
          act: isScheduling ? 'schedule' : 'update',
          detail: decision.changed.join(', '),
          image: null,
        };
      }
    }
  });
}
