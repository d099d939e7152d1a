/** The operators' live feed: every poll's counts as they come, the figures of the doors, and who did what. */
import { getResults } from '../../application/voting/get-results.ts';
import { SecondHistory } from '../../application/voting/second-history.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import { rfc3339Of } from '../../domain/voting/rfc3339.ts';
import type { OperatorAct } from '../../ports/catalogue.ts';
import { actJson, pollJson, timeOrNull } from '../http/poll-json.ts';
import type { LiveDeps, OpsFigures } from './live-deps.ts';
import {
  CLOSE_GOING_AWAY,
  CLOSE_POLICY,
  type LiveSocket,
  type OperatorData,
} from './live-socket.ts';
import { createPacer, type Pacer } from './pacer.ts';
import { TICK_INTERVAL_MS } from './poll-feed.ts';
import type { TurnQueue } from './turn-queue.ts';
import { ViewerRoom } from './viewer-room.ts';

const RECENT_ACTS = 20;
/** The newest polls that a hello lists; older ones are to be had over HTTP. */
const HELLO_POLLS_MAX = 200;
/** The hello alone may be some hundred kilobytes, and the way to a phone is slow. */
const OPERATOR_BUFFER_BYTES_MAX = 4 * 1024 * 1024;
/** A poll that opened at most this long before the feed began has had all its votes since. */
const OPENED_LATELY_MS = 10_000;

interface LivePoll {
  readonly seconds: SecondHistory;
  readonly pacer: Pacer;
}

export class ConsoleFeed {
  readonly #deps: LiveDeps;
  readonly #room: ViewerRoom<OperatorData>;
  readonly #polls = new Map<string, LivePoll>();
  readonly #startedAt: number;
  #acts: readonly OperatorAct[];
  #ops: OpsFigures | null = null;

  constructor(deps: LiveDeps, queue: TurnQueue) {
    this.#deps = deps;
    this.#room = new ViewerRoom('console', queue, OPERATOR_BUFFER_BYTES_MAX);
    this.#startedAt = deps.reading.clock.now();
    this.#acts = deps.recentActs.slice(0, RECENT_ACTS);
  }

  get size(): number {
    return this.#room.size;
  }

  open(socket: LiveSocket<OperatorData>): void {
    const { directory, clock } = this.#deps.reading;
    const now = clock.now();
    const polls = directory.list(now).slice(0, HELLO_POLLS_MAX);
    const history = polls.flatMap(({ id }) => {
      const seconds = this.#polls.get(id)?.seconds.seconds(now) ?? null;
      return seconds === null ? [] : [{ poll: id, seconds }];
    });
    const hello = {
      type: 'hello',
      serverTime: rfc3339Of(now),
      durability: this.#deps.log.durability,
      logId: this.#deps.log.logId,
      polls: polls.map(pollJson),
      history,
      ops: this.#ops === null ? null : opsJson(this.#ops, now),
      acts: this.#acts.map(actJson),
    };
    socket.send(JSON.stringify(hello));
    for (const poll of polls) {
      if (poll.state === 'draft' || poll.state === 'archived') continue;
      socket.send(JSON.stringify(this.#tickJson(poll.id, now)));
    }
    if (this.#room.size === 0) this.#resume(now);
    this.#room.add(socket);
  }

  /** Nobody was watching: what has passed is in the hello, and what has begun is still to be told. */
  #resume(now: number): void {
    for (const { seconds, pacer } of this.#polls.values()) {
      seconds.takeCompleted(now);
      if (seconds.completesAt() !== null) pacer.poke();
    }
  }

  /** Operators act over HTTP; nothing is taken here. */
  message(socket: LiveSocket<OperatorData>): void {
    socket.close(CLOSE_POLICY, 'not understood');
  }

  close(socket: LiveSocket<OperatorData>): void {
    this.#room.remove(socket);
  }

  onCounts(poll: string): void {
    const live = this.#livePoll(poll);
    const { board, clock } = this.#deps.reading;
    live.seconds.observe(board.totals(poll).votes, clock.now());
    if (this.#room.size > 0) live.pacer.poke();
  }

  onPoll(poll: Poll): void {
    this.#room.publish(`poll ${poll.id}`, JSON.stringify({ type: 'poll', poll: pollJson(poll) }));
    // Its counts too: a state or a settled result may come without another vote.
    if (this.#polls.has(poll.id)) this.#livePoll(poll.id).pacer.poke();
  }

  onOps(ops: OpsFigures): void {
    this.#ops = ops;
    const now = this.#deps.reading.clock.now();
    this.#room.publish('ops', JSON.stringify(opsJson(ops, now)));
  }

  onAct(act: OperatorAct): void {
    this.#acts = [act, ...this.#acts].slice(0, RECENT_ACTS);
    this.#room.publishEach(JSON.stringify({ type: 'act', act: actJson(act) }));
  }

  closeAll(): void {
    for (const { pacer } of this.#polls.values()) pacer.stop();
    for (const socket of this.#room.viewers()) socket.close(CLOSE_GOING_AWAY, 'going away');
  }

  #livePoll(id: string): LivePoll {
    const known = this.#polls.get(id);
    if (known !== undefined) return known;
    const { directory, clock } = this.#deps.reading;
    const opensAt = directory.stored(id, clock.now())?.opensAt ?? null;
    const isNew = opensAt !== null && opensAt >= this.#startedAt - OPENED_LATELY_MS;
    const live: LivePoll = {
      seconds: new SecondHistory(isNew ? new Map() : null),
      pacer: createPacer(
        () => clock.monotonic(),
        TICK_INTERVAL_MS,
        () => this.#tick(id),
      ),
    };
    this.#polls.set(id, live);
    return live;
  }

  #tick(id: string): void {
    const { clock } = this.#deps.reading;
    if (this.#room.size === 0) return;
    const { seconds, pacer } = this.#livePoll(id);
    const now = clock.now();
    const completed = seconds.takeCompleted(now);
    const completesAt = seconds.completesAt();
    if (completesAt !== null) pacer.pokeIn(Math.max(0, completesAt - now));
    const tick = this.#tickJson(id, now);
    if (tick === null) return;
    if (completed.length === 0) this.#room.publish(`tick ${id}`, JSON.stringify(tick));
    for (const { at, votes } of completed) {
      const second = { at: rfc3339Of(at), votes };
      this.#room.publishEach(JSON.stringify({ ...tick, second }));
    }
  }

  /** The poll's counts as they are; null where there is no such poll. */
  #tickJson(id: string, now: number) {
    const outcome = getResults(this.#deps.reading, { poll: id, audience: 'operator' });
    if (outcome.kind !== 'ok' || !outcome.results.visible) return null;
    const { total, options, version, stale } = outcome.results;
    return {
      type: 'tick',
      serverTime: rfc3339Of(now),
      poll: id,
      total,
      options: Object.fromEntries(options.map((option) => [option.id, option.votes])),
      version,
      stale,
    };
  }
}

function opsJson(ops: OpsFigures, now: number) {
  const { door, lag, consistency, processes } = ops;
  const { state, detail } = consistency;
  return {
    type: 'ops',
    serverTime: rfc3339Of(now),
    door,
    lag,
    consistency: { state, checkedAt: timeOrNull(consistency.checkedAt), detail },
    processes,
  };
}
