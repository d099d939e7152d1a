/**
 * Sends a run's votes when they are due, whatever the answers do, and notes what became of each.
 *
 * A vote that is due leaves on the connection that has had room for longest; where none has room it
 * waits here, and its latency still counts from the instant at which it was due. A vote whose outcome
 * is unknown is sent again with the same id until the server says, or until retrying is over.
 */
import { idOf, problemCodeOf } from './answer-body.ts';
import type { LoadSchedule } from './load-schedule.ts';
import type { OptionPicker } from './option-picker.ts';
import type { ResponseParser } from './response-parser.ts';
import { RetryQueue } from './retry-queue.ts';
import { type ConnectionFailure, LATE_MS, type RunRecord } from './run-record.ts';
import {
  type ConnectionOwner,
  type ConnectionSettings,
  VoteConnection,
} from './vote-connection.ts';
import type { VoteIds } from './vote-ids.ts';
import type { VoteJournal } from './vote-journal.ts';
import type { VoteRequests } from './vote-requests.ts';

export interface GeneratorSettings extends ConnectionSettings {
  readonly connections: number;
  /** How long after its first try a vote is sent again; 0: never. */
  readonly retryForMs: number;
  /** Server time (ms since the Unix epoch) minus the monotonic clock. */
  readonly serverOffsetMs: number;
  /** Wakes by spinning instead of by a timer: departures to the microsecond, for a whole core. */
  readonly spin: boolean;
}

export interface RunParts {
  readonly journal: VoteJournal;
  readonly record: RunRecord;
  readonly ids: VoteIds;
  readonly requests: VoteRequests;
  readonly picker: OptionPicker;
}

const TIMER_MS = 1;
const TIMEOUT_CHECK_MS = 50;
/** Between two looks at the schedule no more than this is silence of the server's: who stands still hears nobody. */
const SILENCE_MS_MAX = 100;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 2_000;
const ID_IN_BODY_AT = '{"id":"'.length;
/** Answers of the 5xx kind that say that nothing was logged. */
const NOTHING_LOGGED: ReadonlySet<string> = new Set(['overloaded', 'not_ready', 'log_unavailable']);

export class LoadGenerator implements ConnectionOwner {
  readonly #settings: GeneratorSettings;
  readonly #parts: RunParts;
  readonly #connections: VoteConnection[] = [];
  /** Connections with room, the longest idle first. */
  readonly #ready: VoteConnection[] = [];
  /** Since when `#ready` has not been empty. */
  #roomSince = 0;
  readonly #unsettled = new RetryQueue();
  #schedule: LoadSchedule | null = null;
  #next = 0;
  /** When the schedule was last looked at. */
  #lookedAt = 0;
  /** For how long the server has not answered, nor taken a connection. */
  #silentMs = 0;
  #stopping = false;
  #end: (() => void) | null = null;
  #fault: Error | null = null;

  constructor(settings: GeneratorSettings, parts: RunParts) {
    this.#settings = settings;
    this.#parts = parts;
    for (let number = 0; number < settings.connections; number += 1) {
      this.#connections.push(new VoteConnection(settings, parts.requests, this));
    }
  }

  /** Opens the connections; resolves once all are up, or `withinMs` has passed, to how many are. */
  async connect(withinMs: number): Promise<number> {
    const deadline = this.#settings.monotonic() + withinMs;
    for (const connection of this.#connections) connection.connect();
    while (
      this.#ready.length < this.#connections.length &&
      this.#settings.monotonic() < deadline &&
      this.#fault === null
    ) {
      await new Promise((resolve) => setTimeout(resolve, TIMER_MS));
    }
    return this.#ready.length;
  }

  /**
   * Sends the schedule and resolves when nothing more can change: every vote settled, or retrying
   * over. When `signal` aborts, nothing more leaves and only the answers under way are awaited.
   */
  async run(schedule: LoadSchedule, signal: AbortSignal): Promise<void> {
    this.#schedule = schedule;
    this.#lookedAt = this.#settings.monotonic();
    const stop = () => {
      this.#stopping = true;
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const ended = new Promise<void>((resolve) => {
      this.#end = resolve;
    });
    const wake = this.#settings.spin ? spin : tick;
    using _waker = wake(() => this.#wake());
    using _watch = every(TIMEOUT_CHECK_MS, () => this.#checkTimeouts());
    if (this.#fault === null) await ended;
    signal.removeEventListener('abort', stop);
    if (this.#fault !== null) throw this.#fault;
  }

  /** Ends every connection; votes under way become unknown. */
  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  answered(vote: number, sentAt: number, answer: ResponseParser, now: number): boolean {
    this.#silentMs = 0;
    if (answer.status === 202) return this.#acknowledged(vote, sentAt, answer, now);
    const code = problemCodeOf(answer);
    if (answer.status >= 500 && !NOTHING_LOGGED.has(code)) {
      this.#becameUnknown(vote, answer.retryAfterSeconds, now);
    } else if (this.#parts.journal.refused(vote, code) === 'rejected') {
      this.#parts.record.rejected += 1;
    } else if (answer.status >= 500) {
      // This try was not logged, an earlier one may be: only a later try can tell.
      this.#retryLater(vote, answer.retryAfterSeconds, now);
    }
    return true;
  }

  lost(vote: number): void {
    this.#becameUnknown(vote, 0, this.#settings.monotonic());
  }

  hasRoom(connection: VoteConnection): void {
    if (this.#ready.length === 0) {
      this.#roomSince = this.#settings.monotonic();
      this.#silentMs = 0;
    }
    this.#ready.push(connection);
  }

  hasNoRoom(connection: VoteConnection): void {
    const at = this.#ready.indexOf(connection);
    if (at >= 0) this.#ready.splice(at, 1);
  }

  readEnded(now: number): void {
    this.#send(now);
  }

  failed(reason: ConnectionFailure): void {
    this.#parts.record.failed(reason);
  }

  broke(error: Error): void {
    this.#fault ??= error;
    this.#end?.();
  }

  #wake(): void {
    const now = this.#settings.monotonic();
    this.#send(now);
    if (this.#isOver(now)) this.#end?.();
  }

  #send(now: number): void {
    const schedule = this.#schedule;
    if (schedule === null || this.#stopping) return;
    const due = schedule.dueBy(now);
    const dueUnseen = schedule.dueBy(now - LATE_MS) - schedule.dueBy(this.#lookedAt);
    const gap = now - this.#lookedAt;
    this.#parts.record.looked(gap, Math.max(0, dueUnseen));
    this.#silentMs += Math.min(gap, SILENCE_MS_MAX);
    this.#lookedAt = now;
    while (this.#next < due || this.#unsettled.nextDueAt <= now) {
      const connection = this.#ready.shift();
      if (connection === undefined) break;
      for (let room = connection.room; room > 0; room -= 1) {
        const put =
          this.#putRetry(connection, now) || this.#putNext(connection, schedule, due, now);
        if (!put) break;
      }
      connection.flush();
      if (connection.room > 0) this.#ready.push(connection);
    }
    const { record } = this.#parts;
    record.backlogMax = Math.max(record.backlogMax, due - this.#next);
  }

  #putRetry(connection: VoteConnection, now: number): boolean {
    const { journal, record } = this.#parts;
    const { retryForMs, serverOffsetMs } = this.#settings;
    for (;;) {
      const vote = this.#unsettled.take(now);
      if (vote < 0) return false;
      const idTime = journal.idTimeOf(vote);
      // Past its time the vote stays unknown: the server would refuse the id by its age alone.
      if (now + serverOffsetMs - idTime > retryForMs) continue;
      journal.departedAgain(vote);
      record.retries += 1;
      connection.put(vote, journal.optionOf(vote), idTime, now);
      return true;
    }
  }

  #putNext(connection: VoteConnection, schedule: LoadSchedule, due: number, now: number): boolean {
    if (this.#next >= due) return false;
    const { journal, record, picker } = this.#parts;
    const vote = this.#next;
    this.#next += 1;
    const option = picker.next();
    const idTime = Math.floor(now + this.#settings.serverOffsetMs);
    journal.departed(vote, option, idTime);
    connection.put(vote, option, idTime, now);
    record.departed(now, this.#roomSince > schedule.dueAt(vote));
    return true;
  }

  #acknowledged(vote: number, sentAt: number, answer: ResponseParser, now: number): boolean {
    const { journal, record, ids } = this.#parts;
    if (!this.#carriesIdOf(vote, answer)) {
      record.wronglyAnswered(ids.uuid(vote, journal.idTimeOf(vote)));
      this.#becameUnknown(vote, 0, now);
      return false;
    }
    if (journal.stateOf(vote) === 'unknown') record.unknown -= 1;
    journal.accepted(vote);
    record.acknowledged({ dueAt: this.#schedule?.dueAt(vote) ?? sentAt, sentAt, now });
    return true;
  }

  #carriesIdOf(vote: number, answer: ResponseParser): boolean {
    const { ids, journal, requests } = this.#parts;
    const idTime = journal.idTimeOf(vote);
    // How the server writes it; parsing JSON for every vote would cost more than all the rest.
    const idAt = answer.bodyStart + ID_IN_BODY_AT;
    if (requests.isIdOf(answer.buffer, idAt, vote, idTime)) return true;
    return idOf(answer) === ids.uuid(vote, idTime);
  }

  #becameUnknown(vote: number, retryAfterSeconds: number, now: number): void {
    const { journal, record } = this.#parts;
    if (journal.stateOf(vote) === 'sent') record.unknown += 1;
    journal.lost(vote);
    this.#retryLater(vote, retryAfterSeconds, now);
  }

  #retryLater(vote: number, retryAfterSeconds: number, now: number): void {
    if (this.#settings.retryForMs === 0) return;
    const tries = this.#parts.journal.triesOf(vote);
    const backoffMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (tries - 1));
    const spreadMs = backoffMs * (0.5 + this.#settings.random() / 2);
    this.#unsettled.add(vote, now + Math.max(spreadMs, retryAfterSeconds * 1_000));
  }

  #checkTimeouts(): void {
    const now = this.#settings.monotonic();
    for (const connection of this.#connections) connection.checkTimeout(now);
  }

  #isOver(now: number): boolean {
    if (this.#connections.some(({ underWay }) => underWay > 0)) return false;
    if (this.#stopping || this.#schedule === null) return true;
    const { total } = this.#schedule;
    if (this.#next === total && this.#unsettled.size === 0) return true;
    // The server is gone for good: what has not left by now never will.
    const patienceMs = Math.max(this.#settings.retryForMs, 2 * this.#settings.timeoutMs);
    const lastDueAt = this.#schedule.dueAt(total - 1);
    return now > lastDueAt && this.#silentMs > patienceMs;
  }
}

function every(intervalMs: number, call: () => void): Disposable {
  const timer = setInterval(call, intervalMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function tick(wake: () => void): Disposable {
  return every(TIMER_MS, wake);
}

function spin(wake: () => void): Disposable {
  let next = setImmediate(turn);
  function turn() {
    next = setImmediate(turn);
    wake();
  }
  return { [Symbol.dispose]: () => clearImmediate(next) };
}
