/**
 * The vote route, straight on the server's router: the one path of Apura that is taken fifty thousand
 * times a second. Everything that does not depend on the single vote is done once: a body's text is
 * parsed once for all votes that send the same, the acceptance time is formatted once a millisecond,
 * the results token is made once a minute.
 */
import type { WriteOutcome } from '../../application/counting/group-commit.ts';
import type { VoteDoor, VoteRefusal } from '../../application/voting/vote-door.ts';
import type { Door } from '../../domain/voting/door.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Cors } from './cors.ts';
import { type ProblemExtras, type PublicErrorCode, problem } from './problems.ts';
import type { ResultsTokens } from './results-token.ts';
import { type UnreadableBody, VOTE_BODY_BYTES_MAX, VoteBodies } from './vote-body.ts';

/** The door's books, as the route keeps them. */
export interface VoteBooks {
  received: number;
  unknown: number;
  accept(latencyMs: number): void;
  reject(reason: string): void;
}

export interface VoteRouteDeps {
  readonly door: Pick<VoteDoor, 'poll' | 'cast'>;
  readonly clock: Clock;
  readonly books: VoteBooks;
  readonly resultsTokens: ResultsTokens;
  readonly cors: Cors;
  /** Whether any other origin may call at all: spares every vote the question where none may. */
  readonly corsEnabled: boolean;
}

const ACCEPTED: ResponseInit = {
  status: 202,
  // Headers once made cost a response 0.1 µs less than a plain object. An answer to a POST is kept by
  // no cache that is not told to: no header has to forbid it.
  headers: new Headers({ 'content-type': 'application/json' }),
};

const REFUSALS = {
  poll_closed: 'The poll is closed: it takes no more votes.',
  option_not_found: 'The poll has no option of this id.',
  invalid_idempotency_key: 'The Idempotency-Key must be a UUIDv7, like those of RFC 9562.',
  id_expired:
    'The key was made too long ago for the vote to be sent (again). Ask its receipt; only where that ' +
    'says not_counted_final, vote anew under a new key.',
  id_in_future: "The key's time lies ahead of the server's clock: make keys in server time.",
  not_ready: 'The server is cut off from its log just now; send the vote again with the same key.',
  overloaded: 'The server can not take more votes just now; send it again with the same key.',
} as const satisfies Partial<Record<VoteRefusal['kind'], string>>;

export class VoteRoute {
  readonly #deps: VoteRouteDeps;
  readonly #bodies = new VoteBodies();
  #formattedAt = 0;
  #formatted = '';

  constructor(deps: VoteRouteDeps) {
    this.#deps = deps;
  }

  /** Answers one vote. Never rejects. */
  handle(request: Request, poll: string): Promise<Response> {
    return this.#deps.corsEnabled
      ? this.#handleForOrigins(request, poll)
      : this.#vote(request, poll);
  }

  async #handleForOrigins(request: Request, poll: string): Promise<Response> {
    const response = await this.#vote(request, poll);
    this.#deps.cors.addHeaders(request, response.headers);
    return response;
  }

  /** One function from request to answer: each further promise on the way costs a tenth of a µs. */
  async #vote(request: Request, pollId: string): Promise<Response> {
    const { books, clock, door } = this.#deps;
    books.received += 1;
    const startedAt = clock.monotonic();
    const { headers } = request;
    const type = headers.get('content-type');
    if (type !== 'application/json' && !isJson(type)) {
      return this.#refuse('unsupported_media_type', 'Send the vote as application/json.');
    }
    const length = headers.get('content-length');
    // Asked this way round, a length that is no number is too large.
    if (length !== null && !(Number(length) <= VOTE_BODY_BYTES_MAX)) return this.#tooLarge();
    let text: string | null;
    try {
      text = length === null ? await boundedText(request) : await request.text();
    } catch {
      // The sender went away: nobody reads this, but the books must say what became of the vote.
      return this.#refuse('invalid_body', 'The body ended early.');
    }
    if (text === null) return this.#tooLarge();
    const poll = door.poll(pollId);
    if (poll === null) return this.#refuse('poll_not_found', 'No poll has this id.');
    const option = this.#bodies.known(text) ?? this.#bodies.parse(text);
    if (typeof option !== 'string') return this.#unreadable(option);
    const cast = door.cast(poll, option, headers.get('idempotency-key'));
    if (cast.kind !== 'on_its_way') return this.#refusal(cast);
    const outcome = await cast.outcome;
    if (outcome !== 'durable') return this.#unconfirmed(outcome, cast.id);
    books.accept(clock.monotonic() - startedAt);
    const token = this.#deps.resultsTokens.issue(pollId, cast.acceptedAt);
    // The id is a checked UUID and the token base64url: neither needs escaping.
    return new Response(
      `{"id":"${cast.id}","acceptedAt":"${this.#format(cast.acceptedAt)}","token":"${token}"}`,
      ACCEPTED,
    );
  }

  /** A vote without HTTP around it: what the form of a page without JavaScript sends. */
  async cast(
    pollId: string,
    option: string,
    key: string | null,
  ): Promise<
    | { readonly kind: 'accepted'; readonly id: string; readonly acceptedAt: number }
    | { readonly kind: 'unknown'; readonly id: string }
    | { readonly kind: 'refused'; readonly code: PublicErrorCode }
  > {
    const { books, clock, door } = this.#deps;
    books.received += 1;
    const startedAt = clock.monotonic();
    const poll = door.poll(pollId);
    const cast = poll === null ? null : door.cast(poll, option, key);
    if (cast === null || cast.kind !== 'on_its_way') {
      const code = cast === null ? 'poll_not_found' : cast.kind;
      books.reject(code);
      return { kind: 'refused', code };
    }
    const outcome = await cast.outcome;
    if (outcome === 'durable') {
      books.accept(clock.monotonic() - startedAt);
      return { kind: 'accepted', id: cast.id, acceptedAt: cast.acceptedAt };
    }
    if (outcome === 'unavailable') {
      books.reject('log_unavailable');
      return { kind: 'refused', code: 'log_unavailable' };
    }
    books.unknown += 1;
    return { kind: 'unknown', id: cast.id };
  }

  #unconfirmed(outcome: Exclude<WriteOutcome, 'durable'>, id: string): Response {
    if (outcome === 'unavailable') {
      return this.#refuse('log_unavailable', 'The log can not be reached; nothing was logged.');
    }
    this.#deps.books.unknown += 1;
    return problem(
      'outcome_unknown',
      'The log did not confirm the vote in time. Send it again with the same Idempotency-Key.',
      { members: { id } },
    );
  }

  #unreadable({ code, detail, pointer }: UnreadableBody): Response {
    const errors = pointer === null ? {} : { errors: [{ pointer, code, detail }] };
    return this.#refuse(code, detail, errors);
  }

  #format(time: number): string {
    if (time !== this.#formattedAt) {
      this.#formattedAt = time;
      this.#formatted = new Date(time).toISOString();
    }
    return this.#formatted;
  }

  #refusal(refusal: VoteRefusal): Response {
    if (refusal.kind === 'poll_not_open') return this.#notOpen(refusal.door);
    return this.#refuse(refusal.kind, REFUSALS[refusal.kind]);
  }

  #notOpen(door: Door): Response {
    const opensAt = door.kind === 'not_open' ? door.opensAt : null;
    return this.#refuse('poll_not_open', 'The poll takes no votes now.', {
      members: {
        state: door.kind === 'paused' ? 'paused' : 'scheduled',
        opensAt: opensAt === null ? null : new Date(opensAt).toISOString(),
      },
    });
  }

  #tooLarge(): Response {
    return this.#refuse('body_too_large', `A vote has at most ${VOTE_BODY_BYTES_MAX} bytes.`, {
      headers: { connection: 'close' },
    });
  }

  #refuse(code: PublicErrorCode, detail: string, extras: ProblemExtras = {}): Response {
    this.#deps.books.reject(code);
    return problem(code, detail, extras);
  }
}

function isJson(type: string | null): boolean {
  if (type === null) return false;
  return /^application\/json\s*(;\s*charset=("?)utf-8\2\s*)?$/i.test(type);
}

/** A body of unknown length: read until it ends, or null as soon as it is too long. */
async function boundedText(request: Request): Promise<string | null> {
  if (request.body === null) return '';
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body) {
    length += chunk.length;
    if (length > VOTE_BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
