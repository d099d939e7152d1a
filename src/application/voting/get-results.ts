/** Shows a poll's results to whoever asks, as far as the poll allows. */
import { type ShownResults, shapeResults } from '../../domain/voting/shown-results.ts';
import { type Audience, isPollShown } from '../../domain/voting/visibility.ts';
import type { PollReaderDeps } from './get-poll.ts';
import type { ResultsBoard } from './results-board.ts';

export interface ResultsDeps extends PollReaderDeps {
  readonly board: ResultsBoard;
}

export type GetResultsResult =
  | { readonly kind: 'ok'; readonly results: ShownResults; readonly now: number }
  | { readonly kind: 'poll_not_found' };

export function getResults(
  deps: ResultsDeps,
  input: { readonly poll: string; readonly audience: Audience },
): GetResultsResult {
  const now = deps.clock.now();
  const poll = deps.directory.shown(input.poll, now);
  if (poll === undefined || !isPollShown(poll, input.audience)) return { kind: 'poll_not_found' };
  const { votes, ...position } = deps.board.totals(poll.id);
  return { kind: 'ok', results: shapeResults(poll, input.audience, votes, position, now), now };
}
