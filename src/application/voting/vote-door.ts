/** The door of votes: what a poll takes at this instant, by the clock and by memory alone. */
import { type EncodedKey, encodeKey } from '../../domain/counting/block.ts';
import {
  formatUuidV7,
  type IdWords,
  idWords,
  mixScope,
  parseUuidV7,
  type ScopeSeed,
  scopeSeed,
} from '../../domain/counting/event-id.ts';
import type { LogSettings } from '../../domain/counting/log-settings.ts';
import { type Door, doorAt } from '../../domain/voting/door.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import type { Clock } from '../../ports/clock.ts';
import type { BlockWriter } from '../counting/block-writer.ts';
import type { WriteOutcome } from '../counting/group-commit.ts';
import type { PollDirectory } from './poll-directory.ts';

/** A poll as the door needs it: every option's key encoded once. */
export interface DoorPoll {
  readonly poll: Poll;
  readonly seed: ScopeSeed;
  readonly options: ReadonlyMap<string, EncodedKey>;
}

/** Why a vote is refused; nothing of it was logged. */
export type VoteRefusal =
  | { readonly kind: 'poll_not_open'; readonly door: Door }
  | { readonly kind: 'poll_closed' }
  | { readonly kind: 'option_not_found' }
  | { readonly kind: 'invalid_idempotency_key' }
  | { readonly kind: 'id_expired' }
  | { readonly kind: 'id_in_future' }
  | { readonly kind: 'not_ready' }
  | { readonly kind: 'overloaded' };

/** A vote on its way to the log: `outcome` says what became of it, for every vote of its block. */
export interface VoteOnItsWay {
  readonly kind: 'on_its_way';
  /** The vote's UUID, as the client sent it or as the door made it. */
  readonly id: string;
  readonly acceptedAt: number;
  readonly outcome: Promise<WriteOutcome>;
}

export type CastVote = VoteRefusal | VoteOnItsWay;

export interface VoteDoorDeps {
  readonly writer: BlockWriter;
  readonly clock: Clock;
  readonly settings: LogSettings;
  /** 80 random bits for an id that the door makes: 32, 32 and 10 bits. */
  readonly randomWords: () => readonly [number, number, number];
  /** The polls as the control partition tells them. */
  readonly directory: Pick<PollDirectory, 'stored'>;
  /** Whether the door's reading of the control partition is recent enough to go by. */
  readonly ready: () => boolean;
}

const REFUSED = {
  closed: { kind: 'poll_closed' },
  option: { kind: 'option_not_found' },
  key: { kind: 'invalid_idempotency_key' },
  expired: { kind: 'id_expired' },
  future: { kind: 'id_in_future' },
  notReady: { kind: 'not_ready' },
  overloaded: { kind: 'overloaded' },
} as const satisfies Record<string, VoteRefusal>;

export class VoteDoor {
  readonly #deps: VoteDoorDeps;
  readonly #polls = new Map<string, DoorPoll>();
  /** Used anew by every vote: the writer copies what it takes. */
  readonly #id: IdWords = idWords();

  constructor(deps: VoteDoorDeps) {
    this.#deps = deps;
  }

  /** Null where no poll has this id, or none that the public may know of. */
  poll(id: string): DoorPoll | null {
    const poll = this.#deps.directory.stored(id, this.#deps.clock.now());
    if (poll === undefined || poll.state === 'draft') return null;
    const known = this.#polls.get(id);
    return known?.poll === poll ? known : this.#prepare(poll, known);
  }

  #prepare(poll: Poll, known: DoorPoll | undefined): DoorPoll {
    const options = new Map<string, EncodedKey>();
    for (const { id } of poll.options) {
      const key = known?.options.get(id);
      options.set(id, key ?? { bytes: encodeKey({ scope: poll.id, item: id, lane: 'valid' }) });
    }
    const prepared = { poll, seed: known?.seed ?? scopeSeed(poll.id), options };
    this.#polls.set(poll.id, prepared);
    return prepared;
  }

  /**
   * Takes one vote. `key` is the client's Idempotency-Key, or null to have an id made: such a vote
   * can't be sent again safely unless its answer arrives.
   */
  cast(target: DoorPoll, option: string, key: string | null): CastVote {
    const { clock, settings, writer } = this.#deps;
    const now = clock.now();
    const door = doorAt(target.poll, now);
    if (door.kind !== 'open') {
      return door.kind === 'closed' ? REFUSED.closed : { kind: 'poll_not_open', door };
    }
    const encoded = target.options.get(option);
    if (encoded === undefined) return REFUSED.option;
    if (!this.#deps.ready()) return REFUSED.notReady;
    const id = this.#id;
    const name = key ?? this.#mint(now);
    if (!parseUuidV7(name, id)) return REFUSED.key;
    if (id.time < now - settings.dedupWindowMs / 2) return REFUSED.expired;
    if (id.time > now + settings.clockBoundMs) return REFUSED.future;
    mixScope(id, target.seed);
    const outcome = writer.write(id, encoded, now);
    return outcome === null
      ? REFUSED.overloaded
      : { kind: 'on_its_way', id: name, acceptedAt: now, outcome };
  }

  #mint(now: number): string {
    const [x, y, z] = this.#deps.randomWords();
    return formatUuidV7({ time: now, x: x >>> 0, y: y >>> 0, z: z & 0x3ff });
  }
}
