/** Shows one poll, from the directory: asked by every page that loads, so never of a store. */
import type { Poll } from '../../domain/voting/poll.ts';
import { type Audience, isPollShown } from '../../domain/voting/visibility.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PollReading } from './log-router.ts';

export interface PollReaderDeps {
  readonly directory: PollReading;
  readonly clock: Clock;
}

export type GetPollResult =
  | { readonly kind: 'ok'; readonly poll: Poll; readonly now: number }
  | { readonly kind: 'poll_not_found' };

/** The poll with its state by the clock at `now`. A draft exists for operators only. */
export function getPoll(
  deps: PollReaderDeps,
  input: { readonly poll: string; readonly audience: Audience },
): GetPollResult {
  const now = deps.clock.now();
  const poll = deps.directory.shown(input.poll, now);
  if (poll === undefined || !isPollShown(poll, input.audience)) return { kind: 'poll_not_found' };
  return { kind: 'ok', poll, now };
}
