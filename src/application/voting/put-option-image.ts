/** Gives an option its picture: checked by its bytes, named by its digest, stored with the poll's change. */
import { checkImage, type ImageInfo } from '../../domain/voting/image.ts';
import { imagePath, type PollState } from '../../domain/voting/poll.ts';
import { decideOptionImage } from '../../domain/voting/poll-settings.ts';
import { type EditOutcome, editPoll, type PollEditorDeps, type PollTarget } from './poll-editor.ts';

export interface PutOptionImageDeps extends PollEditorDeps {
  /** 64 lower-case hex digits. */
  readonly sha256: (bytes: Uint8Array) => string;
}

type Refusal =
  | { readonly kind: 'invalid_image'; readonly detail: string }
  | { readonly kind: 'option_not_found' }
  | { readonly kind: 'poll_state'; readonly state: PollState; readonly detail: string };

export type PutOptionImageResult = EditOutcome<Refusal>;

/** The same picture again is `ok` and stores nothing. Before the poll opens only. @throws as `editPoll`. */
export async function putOptionImage(
  deps: PutOptionImageDeps,
  input: PollTarget & { readonly option: string; readonly bytes: Uint8Array },
): Promise<PutOptionImageResult> {
  const check = checkImage(input.bytes);
  if (check.kind === 'invalid') return { kind: 'invalid_image', detail: check.detail };
  const info: ImageInfo = {
    mediaType: check.mediaType,
    width: check.width,
    height: check.height,
  };
  const sha256 = deps.sha256(input.bytes);
  return editPoll<Refusal>(deps, input, (poll, at) => {
    const decision = decideOptionImage(poll, input.option, imagePath(sha256), at.now);
    switch (decision.kind) {
      case 'option_not_found':
        return { kind: 'settled', outcome: decision };
      case 'unchanged':
        return { kind: 'settled', outcome: { kind: 'ok', poll } };
      case 'frozen': {
        const detail = 'The pictures of options can not change once the poll has opened.';
        return { kind: 'settled', outcome: { kind: 'poll_state', state: decision.state, detail } };
      }
      case 'changed':
        return {
          kind: 'store',
          poll: decision.poll,
          act: 'set_image',
          detail: `${input.option}: ${sha256}`,
          image: { sha256, ...info, bytes: input.bytes },
        };
    }
  });
}
