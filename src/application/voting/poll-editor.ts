/** What every change of a poll goes through: decide on the newest version, store by compare-and-set, publish. */
import type { Poll } from '../../domain/voting/poll.ts';
import type { DecisionTime } from '../../domain/voting/poll-lifecycle.ts';
import type { ActName, Catalogue, StoredImage } from '../../ports/catalogue.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PublishPollChanges } from './publish-poll-changes.ts';

export interface PollEditorDeps {
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly publisher: Pick<PublishPollChanges, 'run'>;
  /** How far ahead a change takes effect: 0 with one door, at least 2,000 with several. */
  readonly effectDelayMs: number;
}

export interface PollTarget {
  readonly poll: string;
  /** The version that the caller has seen; absent where any will do. */
  readonly expectedVersion?: number | undefined;
  /** Who acts. */
  readonly actor: string;
}

/** What to store, or (`settled`) an outcome that stores nothing. */
export type Edit<Refusal> =
  | {
      readonly kind: 'store';
      readonly poll: Poll;
      readonly act: ActName;
      readonly detail: string | null;
      readonly image: StoredImage | null;
    }
  | { readonly kind: 'settled'; readonly outcome: EditOutcome<Refusal> };

export type EditOutcome<Refusal> =
  | { readonly kind: 'ok'; readonly poll: Poll }
  | { readonly kind: 'poll_not_found' }
  | { readonly kind: 'version_conflict'; readonly version: number }
  | Refusal;

/** Each lost race means that somebody else's change was stored; nobody loses that many by chance. */
const ATTEMPTS_MAX = 10;

/**
 * Decides on the newest version and stores the result with its act, again where another change came
 * between (unless the caller named a version). Resolves once the change stands in the log.
 *
 * @throws ApuraError of the log or the catalogue: the change may be stored and will then be published
 *   by the schedule's next round; the doors go by it only from then on.
 */
export async function editPoll<Refusal>(
  deps: PollEditorDeps,
  target: PollTarget,
  decide: (poll: Poll, at: DecisionTime) => Edit<Refusal>,
): Promise<EditOutcome<Refusal>> {
  const { catalogue, clock, publisher, effectDelayMs } = deps;
  let version = 0;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const poll = await catalogue.poll(target.poll);
    if (poll === null) return { kind: 'poll_not_found' };
    version = poll.version;
    if ((target.expectedVersion ?? version) !== version) break;
    const now = clock.now();
    const edit = decide(poll, { now, effectiveAt: now + effectDelayMs });
    if (edit.kind === 'settled') return edit.outcome;
    const stored = await catalogue.putPoll({
      poll: edit.poll,
      expectedVersion: version,
      act: { at: now, actor: target.actor, act: edit.act, poll: poll.id, detail: edit.detail },
      image: edit.image,
    });
    if (stored === 'stored') {
      await publisher.run();
      return { kind: 'ok', poll: edit.poll };
    }
  }
  return { kind: 'version_conflict', version };
}
