/**
 * The public live feed of polls. A viewer goes through two phases: backfill (`hello`, with the results as
 * they are) and live (every change since, at most four a second). Both come from the same bodies that
 * GET answers, in one thread, so that nothing falls between them.
 */
import type { Poll } from '../../domain/voting/poll.ts';
import { rfc3339Of } from '../../domain/voting/rfc3339.ts';
import { pollJson, timeOrNull } from '../http/poll-json.ts';
import type { LiveDeps } from './live-deps.ts';
import { CLOSE_GOING_AWAY, CLOSE_POLICY, type LiveSocket, type ViewerData } from './live-socket.ts';
import { createPacer, type Pacer } from './pacer.ts';
import type { TurnQueue } from './turn-queue.ts';
import { ViewerRoom } from './viewer-room.ts';

/** Four a second: faster than numbers can be read. */
export const TICK_INTERVAL_MS = 250;
/** Some seconds of the largest poll; ten thousand viewers that all stand still stay below a gigabyte. */
const VIEWER_BUFFER_BYTES_MAX = 64 * 1024;
/** A viewer has one thing to say; more than a few are a game. */
const RECEIVED_MAX = 4;

type Audience = ViewerData['audience'];
const AUDIENCES: readonly Audience[] = ['public', 'voter'];

interface Rooms {
  readonly public: ViewerRoom<ViewerData>;
  readonly voter: ViewerRoom<ViewerData>;
  /** What each audience was sent last; null where somebody may have seen something else. */
  readonly sent: { public: string | null; voter: string | null };
  readonly pacer: Pacer;
}

export class PollFeed {
  readonly #deps: LiveDeps;
  readonly #queue: TurnQueue;
  /** Of polls with viewers only. */
  readonly #rooms = new Map<string, Rooms>();
  #roomsMade = 0;

  constructor(deps: LiveDeps, queue: TurnQueue) {
    this.#deps = deps;
    this.#queue = queue;
  }

  /** Whether the public knows of the poll. */
  has(poll: string): boolean {
    return this.#deps.results.poll(poll, 'public') !== null;
  }

  open(socket: LiveSocket<ViewerData>): void {
    const { poll: id, audience } = socket.data;
    const results = this.#deps.results.results(id, audience);
    const now = this.#deps.reading.clock.now();
    const poll = this.#deps.reading.directory.shown(id, now);
    if (results === null || poll === undefined) {
      socket.close(CLOSE_GOING_AWAY, 'no such poll');
      return;
    }
    const { state, version } = poll;
    const times = { opensAt: timeOrNull(poll.opensAt), closesAt: timeOrNull(poll.closesAt) };
    const shown = JSON.stringify({ id, state, ...times, version });
    socket.send(
      `{"type":"hello","serverTime":"${rfc3339Of(now)}","poll":${shown},"results":${results.json}}`,
    );
    this.#enter(socket, results.content);
  }

  /** The only message that a viewer sends: `{"type":"auth","token":"…"}`. */
  message(socket: LiveSocket<ViewerData>, text: string): void {
    const { data } = socket;
    data.received += 1;
    const token = tokenOf(text);
    if (token === null || data.received > RECEIVED_MAX) {
      socket.close(CLOSE_POLICY, 'not understood');
      return;
    }
    const { resultsTokens, results, reading } = this.#deps;
    if (data.audience === 'public' && resultsTokens.verify(data.poll, token, reading.clock.now())) {
      this.close(socket);
      data.audience = 'voter';
      const body = results.results(data.poll, 'voter');
      if (body !== null) this.#enter(socket, body.content);
    }
    // Answered either way, so that the page knows what its token has opened.
    const body = results.results(data.poll, data.audience);
    if (body !== null) socket.send(this.#resultsMessage(body.json));
  }

  /** The socket has left. */
  close(socket: LiveSocket<ViewerData>): void {
    const { poll, audience } = socket.data;
    const rooms = this.#rooms.get(poll);
    if (rooms === undefined) return;
    rooms[audience].remove(socket);
    if (rooms.public.size + rooms.voter.size > 0) return;
    rooms.pacer.stop();
    this.#rooms.delete(poll);
  }

  /** The poll's counts may have changed. */
  onCounts(poll: string): void {
    this.#rooms.get(poll)?.pacer.poke();
  }

  onPoll(poll: Poll): void {
    const rooms = this.#rooms.get(poll.id);
    if (rooms === undefined) return;
    const now = this.#deps.reading.clock.now();
    if (this.has(poll.id)) {
      const message = `{"type":"poll","serverTime":"${rfc3339Of(now)}","poll":${JSON.stringify(pollJson(poll))}}`;
      for (const audience of AUDIENCES) rooms[audience].publish('poll', message);
    }
    rooms.pacer.poke();
  }

  closeAll(): void {
    for (const rooms of [...this.#rooms.values()]) closeRooms(rooms);
  }

  #enter(socket: LiveSocket<ViewerData>, content: string): void {
    const { poll, audience } = socket.data;
    let rooms = this.#rooms.get(poll);
    if (rooms === undefined) {
      rooms = this.#makeRooms(poll);
      this.#rooms.set(poll, rooms);
    }
    const room = rooms[audience];
    if (room.size === 0) rooms.sent[audience] = content;
    else if (rooms.sent[audience] !== content) {
      // The others are about to be told; should it change back before, this one must hear of it.
      rooms.sent[audience] = null;
      rooms.pacer.poke();
    }
    room.add(socket);
  }

  #makeRooms(poll: string): Rooms {
    const { clock } = this.#deps.reading;
    this.#roomsMade += 1;
    const name = `poll ${this.#roomsMade}`;
    return {
      public: new ViewerRoom(`${name} public`, this.#queue, VIEWER_BUFFER_BYTES_MAX),
      voter: new ViewerRoom(`${name} voter`, this.#queue, VIEWER_BUFFER_BYTES_MAX),
      sent: { public: null, voter: null },
      pacer: createPacer(
        () => clock.monotonic(),
        TICK_INTERVAL_MS,
        () => this.#tick(poll),
      ),
    };
  }

  #tick(poll: string): void {
    const rooms = this.#rooms.get(poll);
    if (rooms === undefined) return;
    for (const audience of AUDIENCES) {
      if (rooms[audience].size === 0) continue;
      const body = this.#deps.results.results(poll, audience);
      if (body === null) {
        // The poll has gone back to being a draft: nobody outside may know of it.
        closeRooms(rooms);
        return;
      }
      if (body.content === rooms.sent[audience]) continue;
      rooms.sent[audience] = body.content;
      rooms[audience].publish('results', this.#resultsMessage(body.json));
    }
  }

  #resultsMessage(json: string): string {
    const serverTime = rfc3339Of(this.#deps.reading.clock.now());
    return `{"type":"results","serverTime":"${serverTime}","results":${json}}`;
  }
}

function closeRooms(rooms: Rooms): void {
  for (const audience of AUDIENCES) {
    for (const socket of rooms[audience].viewers()) socket.close(CLOSE_GOING_AWAY, 'going away');
  }
}

/** The token of an auth message, or null for anything else. */
function tokenOf(text: string): string | null {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof message !== 'object' || message === null) return null;
  const { type, token, ...others } = message as Record<string, unknown>;
  const isAuth = type === 'auth' && typeof token === 'string' && Object.keys(others).length === 0;
  return isAuth ? token : null;
}
