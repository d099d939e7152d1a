/** Drives a poll through its life by an operator's act: open, pause, resume, close, publish, archive. */
import type { PollState } from '../../domain/voting/poll.ts';
import { decideAct, type PollAct } from '../../domain/voting/poll-lifecycle.ts';
import { type EditOutcome, editPoll, type PollEditorDeps, type PollTarget } from './poll-editor.ts';

export interface PollStateRefusal {
  readonly kind: 'poll_state';
  readonly state: PollState;
  readonly detail: string;
}

export type ChangePollStateResult = EditOutcome<PollStateRefusal>;

/** An act that has had its effect already is `ok` again and stores nothing. @throws as `editPoll`. */
export async function changePollState(
  deps: PollEditorDeps,
  input: PollTarget & { readonly act: PollAct },
): Promise<ChangePollStateResult> {
  return editPoll<PollStateRefusal>(deps, input, (poll, at) => {
    const decision = decideAct(poll, input.act, at);
    switch (decision.kind) {
      case 'unchanged':
        return { kind: 'settled', outcome: { kind: 'ok', poll } };
      case 'refused':
        return { kind: 'settled', outcome: { ...decision, kind: 'poll_state' } };
      case 'changed':
        return {
          kind: 'store',
          poll: decision.poll,
          act: input.act,
          detail: null,
          image: null,
        };
    }
  });
}
