/** Poll and results bodies, written once a change and audience, however many ask for them. */
import { getResults, type ResultsDeps } from '../../application/voting/get-results.ts';
import type { Poll, PollState } from '../../domain/voting/poll.ts';
import { stateAt } from '../../domain/voting/poll-state-at.ts';
import type { Votes } from '../../domain/voting/results.ts';
import { rfc3339Of } from '../../domain/voting/rfc3339.ts';
import { type Audience, isPollShown } from '../../domain/voting/visibility.ts';
import { pollJson, resultsJson } from './poll-json.ts';

export interface CachedBody {
  readonly json: string;
  /** A strong entity tag of exactly this body. */
  readonly etag: string;
}

export interface ResultsBody extends CachedBody {
  /** The part that a reader sees: all but `asOf` and `version`. Bodies of equal content look alike. */
  readonly content: string;
}

export interface ResultsBodies {
  /** What GET results answers, or null where the audience knows of no such poll. */
  results(poll: string, audience: Audience): ResultsBody | null;
  /** What GET poll answers; its entity tag is weak, as `serverTime` differs in every body. */
  poll(poll: string, audience: Audience): CachedBody | null;
}

interface Entry {
  readonly poll: Poll;
  readonly state: PollState;
  readonly votes: Votes;
  readonly version: number;
  readonly asOf: number;
  readonly stale: boolean;
  readonly bodies: Partial<Record<Audience, ResultsBody>>;
}

interface PollEntry {
  readonly poll: Poll;
  readonly state: PollState;
  /** The poll's JSON up to its last member. */
  readonly head: string;
}

/** One entry a poll that is asked for; past this many the oldest is written anew when asked again. */
const ENTRIES_MAX = 1_024;

/** Where the position begins, which comes last in `resultsJson`. */
const POSITION_START = ',"asOf":';

export function createResultsBodies(deps: ResultsDeps): ResultsBodies {
  const entries = new Map<string, Entry>();
  const polls = new Map<string, PollEntry>();

  const current = (stored: Poll, now: number): Entry => {
    const state = stateAt(stored, now);
    const { votes, version, asOf, stale } = deps.board.totals(stored.id);
    const known = entries.get(stored.id);
    if (
      known !== undefined &&
      known.poll === stored &&
      known.state === state &&
      known.votes === votes &&
      known.version === version &&
      known.asOf === asOf &&
      known.stale === stale
    ) {
      return known;
    }
    const entry: Entry = { poll: stored, state, votes, version, asOf, stale, bodies: {} };
    remember(entries, stored.id, entry);
    return entry;
  };

  return {
    results(id, audience) {
      const now = deps.clock.now();
      const stored = deps.directory.stored(id, now);
      if (stored === undefined || !isPollShown(stored, audience)) return null;
      const entry = current(stored, now);
      const cached = entry.bodies[audience];
      if (cached !== undefined) return cached;
      const shown = getResults(deps, { poll: id, audience });
      if (shown.kind !== 'ok') return null;
      const { version, asOf, stale, state } = entry;
      const json = JSON.stringify(resultsJson(shown.results));
      const body = {
        json,
        content: `${json.slice(0, json.lastIndexOf(POSITION_START))} ${stale}`,
        etag: `"${stored.version}.${state}.${version}.${asOf}.${stale ? 1 : 0}.${audience}"`,
      };
      entry.bodies[audience] = body;
      return body;
    },
    poll(id, audience) {
      const now = deps.clock.now();
      const stored = deps.directory.stored(id, now);
      if (stored === undefined || !isPollShown(stored, audience)) return null;
      const state = stateAt(stored, now);
      let known = polls.get(id);
      if (known === undefined || known.poll !== stored || known.state !== state) {
        const json = JSON.stringify(pollJson({ ...stored, state }));
        known = { poll: stored, state, head: json.slice(0, -1) };
        remember(polls, id, known);
      }
      return {
        json: `${known.head},"serverTime":"${rfc3339Of(now)}"}`,
        etag: `W/"${stored.version}.${state}"`,
      };
    },
  };
}

function remember<T>(entries: Map<string, T>, id: string, entry: T): void {
  if (!entries.has(id) && entries.size >= ENTRIES_MAX) {
    const [oldest] = entries.keys();
    if (oldest !== undefined) entries.delete(oldest);
  }
  entries.set(id, entry);
}
