/**
 * Sends a run's pulses in batches when they are due, whatever the answers do, and notes what became of
 * each.
 *
 * A batch is due when its last pulse is; where every connection is busy it waits here, and its latency
 * still counts from the instant at which it was due. A batch of which nothing certain is known, or of
 * which nothing was taken, is sent again with the same ids until the server says, or until retrying is
 * over. Some acknowledged pulses are sent once more on purpose: they must not count twice.
 */
import type { DeliveryJournal } from '../load/delivery-journal.ts';
import type { LoadSchedule } from '../load/load-schedule.ts';
import { RetryQueue } from '../load/retry-queue.ts';
import { LATE_MS, type RunRecord } from '../load/run-record.ts';
import type { CallOutcome, PulseCalls } from './pulse-calls.ts';
import type { PulsePlan } from './pulse-plan.ts';
import type { PulseRequests } from './pulse-requests.ts';

export interface PulseGeneratorSettings {
  /** Pulses in a request. */
  readonly batch: number;
  /** Requests under way at once. */
  readonly connections: number;
  /** How long after it was due a batch is sent again; 0: never. */
  readonly retryForMs: number;
  /** How long a request may take. */
  readonly timeoutMs: number;
  monotonic(): number;
  /** In [0, 1): spreads retries. */
  random(): number;
}

export interface PulseRunParts {
  readonly journal: DeliveryJournal;
  readonly record: RunRecord;
  readonly plan: Pick<PulsePlan, 'isSentTwice'>;
  readonly requests: Pick<PulseRequests, 'encode'>;
  readonly calls: Pick<PulseCalls, 'ingest'>;
}

/** What became of pulses that were sent again although they were acknowledged. */
export interface DuplicateCounts {
  readonly sent: number;
  readonly accepted: number;
  readonly rejected: number;
}

const WAKE_MS = 1;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 2_000;
/** Requests of duplicates that wait to leave; further ones are not made. */
const DUPLICATES_WAITING_MAX = 10_000;

export class PulseGenerator {
  readonly #settings: PulseGeneratorSettings;
  readonly #parts: PulseRunParts;
  readonly #schedule: LoadSchedule;
  readonly #batches: number;
  readonly #retries = new RetryQueue();
  /** Tries so far of batches that are not settled. */
  readonly #tries = new Map<number, number>();
  /** Why nothing was taken, of batches whose last try says so. */
  readonly #refusals = new Map<number, string>();
  readonly #duplicates: (readonly number[])[] = [];
  readonly #counts = { sent: 0, accepted: 0, rejected: 0 };
  #next = 0;
  #underWay = 0;
  /** Since when a request could leave. */
  #roomSince = 0;
  #lookedAt = 0;
  #lastAnswerAt = 0;
  #lastSentAt = 0;
  #stopping = false;
  #end: (() => void) | null = null;
  #fault: unknown = null;

  constructor(settings: PulseGeneratorSettings, parts: PulseRunParts, schedule: LoadSchedule) {
    this.#settings = settings;
    this.#parts = parts;
    this.#schedule = schedule;
    this.#batches = Math.ceil(schedule.total / settings.batch);
  }

  get duplicates(): DuplicateCounts {
    return this.#counts;
  }

  /** When the last request left, ms of the monotonic clock. */
  get lastSentAt(): number {
    return this.#lastSentAt;
  }

  /**
   * Sends the schedule and resolves when nothing more can change: every pulse settled, or retrying
   * over. When `signal` aborts, nothing more leaves and only the answers under way are awaited.
   */
  async run(signal: AbortSignal): Promise<void> {
    this.#lookedAt = this.#settings.monotonic();
    this.#lastAnswerAt = this.#lookedAt;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#end = resolve;
    const timer = setInterval(() => {
      if (signal.aborted) this.#stopping = true;
      this.#wake();
    }, WAKE_MS);
    await promise;
    clearInterval(timer);
    if (this.#fault !== null) throw this.#fault;
    for (const [batch, code] of this.#refusals) this.#refuse(batch, code);
  }

  #wake(): void {
    const now = this.#settings.monotonic();
    if (!this.#stopping) this.#send(now);
    if (this.#isOver(now)) this.#end?.();
  }

  #send(now: number): void {
    const { batch, connections } = this.#settings;
    const schedule = this.#schedule;
    const duePulses = schedule.dueBy(now);
    const dueUnseen = schedule.dueBy(now - LATE_MS) - schedule.dueBy(this.#lookedAt);
    const { record } = this.#parts;
    record.looked(now - this.#lookedAt, Math.max(0, dueUnseen));
    this.#lookedAt = now;
    // The last batch may be smaller than the others.
    const due = duePulses === schedule.total ? this.#batches : Math.floor(duePulses / batch);
    while (this.#underWay < connections) {
      if (!this.#sendRetry(now) && !this.#sendNext(now, due) && !this.#sendDuplicates()) break;
    }
    const waiting = Math.min(schedule.total, due * batch) - this.#next * batch;
    record.backlogMax = Math.max(record.backlogMax, waiting);
  }

  #sendRetry(now: number): boolean {
    for (;;) {
      const batch = this.#retries.take(now);
      if (batch < 0) return false;
      // Past its time the batch stays as it is: unknown, or refused.
      if (now - this.#dueAt(batch) > this.#settings.retryForMs) continue;
      const { journal, record } = this.#parts;
      for (const pulse of this.#pulsesOf(batch)) journal.departedAgain(pulse);
      record.retries += this.#sizeOf(batch);
      this.#refusals.delete(batch);
      this.#call(batch);
      return true;
    }
  }

  #sendNext(now: number, due: number): boolean {
    if (this.#next >= due) return false;
    const batch = this.#next;
    this.#next += 1;
    const { journal, record } = this.#parts;
    for (const pulse of this.#pulsesOf(batch)) journal.sent(pulse);
    record.departed(now, this.#roomSince > this.#dueAt(batch), this.#sizeOf(batch));
    this.#call(batch);
    return true;
  }

  #sendDuplicates(): boolean {
    const pulses = this.#duplicates.shift();
    if (pulses === undefined) return false;
    this.#counts.sent += pulses.length;
    this.#ask(pulses, pulses.length, (outcome) => {
      if (outcome.kind !== 'answered') return;
      this.#counts.rejected += outcome.rejections.size;
      this.#counts.accepted += pulses.length - outcome.rejections.size;
    });
    return true;
  }

  #call(batch: number): void {
    this.#tries.set(batch, (this.#tries.get(batch) ?? 0) + 1);
    this.#ask(this.#pulsesOf(batch), this.#sizeOf(batch), (outcome, sentAt, now) => {
      switch (outcome.kind) {
        case 'answered':
          this.#answered(batch, outcome.rejections, sentAt, now);
          return;
        case 'refused':
          if (outcome.again && this.#settings.retryForMs > 0) {
            this.#refusals.set(batch, outcome.code);
            this.#retryLater(batch, outcome.retryAfterMs, now);
          } else {
            this.#refuse(batch, outcome.code);
          }
          return;
        case 'unknown':
          if (outcome.failure !== null) this.#parts.record.failed(outcome.failure);
          this.#becameUnknown(batch);
          this.#retryLater(batch, outcome.retryAfterMs, now);
      }
    });
  }

  #ask(
    pulses: Iterable<number>,
    count: number,
    settle: (outcome: CallOutcome, sentAt: number, now: number) => void,
  ): void {
    const { requests, calls } = this.#parts;
    const { connections, monotonic } = this.#settings;
    const sentAt = monotonic();
    this.#lastSentAt = sentAt;
    this.#underWay += 1;
    calls
      .ingest(requests.encode(pulses, count), count)
      .then((outcome) => {
        const now = monotonic();
        if (this.#underWay === connections) this.#roomSince = now;
        this.#underWay -= 1;
        if (outcome.kind !== 'unknown') this.#lastAnswerAt = now;
        settle(outcome, sentAt, now);
        this.#wake();
      })
      .catch((error: unknown) => {
        this.#fault ??= error;
        this.#end?.();
      });
  }

  #answered(
    batch: number,
    rejections: ReadonlyMap<number, string>,
    sentAt: number,
    now: number,
  ): void {
    const { journal, record, plan } = this.#parts;
    const again: number[] = [];
    const first = batch * this.#settings.batch;
    for (const pulse of this.#pulsesOf(batch)) {
      const code = rejections.get(pulse - first);
      if (code !== undefined) {
        if (journal.refused(pulse, code) === 'rejected') record.rejected += 1;
        continue;
      }
      if (journal.stateOf(pulse) === 'unknown') record.unknown -= 1;
      journal.accepted(pulse);
      if (plan.isSentTwice(pulse)) again.push(pulse);
    }
    const count = this.#sizeOf(batch) - rejections.size;
    if (count > 0) record.acknowledged({ dueAt: this.#dueAt(batch), sentAt, now, count });
    if (again.length > 0 && this.#duplicates.length < DUPLICATES_WAITING_MAX) {
      this.#duplicates.push(again);
    }
    this.#tries.delete(batch);
  }

  #refuse(batch: number, code: string): void {
    const { journal, record } = this.#parts;
    for (const pulse of this.#pulsesOf(batch)) {
      // An earlier try may have been taken: then the pulse stays unknown.
      if (journal.refused(pulse, code) === 'rejected') record.rejected += 1;
    }
    this.#tries.delete(batch);
  }

  #becameUnknown(batch: number): void {
    const { journal, record } = this.#parts;
    for (const pulse of this.#pulsesOf(batch)) {
      if (journal.stateOf(pulse) === 'sent') record.unknown += 1;
      journal.lost(pulse);
    }
  }

  #retryLater(batch: number, retryAfterMs: number, now: number): void {
    if (this.#settings.retryForMs === 0) return;
    const tries = this.#tries.get(batch) ?? 1;
    const backoffMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (tries - 1));
    const spreadMs = backoffMs * (0.5 + this.#settings.random() / 2);
    this.#retries.add(batch, now + Math.max(spreadMs, retryAfterMs));
  }

  #isOver(now: number): boolean {
    if (this.#underWay > 0) return false;
    if (this.#stopping) return true;
    const waiting = this.#retries.size + this.#duplicates.length;
    if (this.#next === this.#batches && waiting === 0) return true;
    // The server is gone for good: what has not left by now never will.
    const { retryForMs, timeoutMs } = this.#settings;
    const patienceMs = Math.max(retryForMs, 2 * timeoutMs);
    return now > this.#dueAt(this.#batches - 1) && now - this.#lastAnswerAt > patienceMs;
  }

  #dueAt(batch: number): number {
    return this.#schedule.dueAt(batch * this.#settings.batch + this.#sizeOf(batch) - 1);
  }

  #sizeOf(batch: number): number {
    const { batch: size } = this.#settings;
    return Math.min(size, this.#schedule.total - batch * size);
  }

  *#pulsesOf(batch: number): Iterable<number> {
    const first = batch * this.#settings.batch;
    const end = first + this.#sizeOf(batch);
    for (let pulse = first; pulse < end; pulse += 1) yield pulse;
  }
}
