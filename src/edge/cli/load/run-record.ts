/** What a load run notes besides the journal: when votes left, when answers came, what went wrong. */
import { Histogram } from '../../../runtime/histogram.ts';

export type ConnectionFailure =
  | 'refused'
  | 'lost'
  | 'timeout'
  | 'unasked_answer'
  | 'wrong_answer'
  | 'malformed_answer';

/** A vote that fell due this long before the generator looked is late by the generator's own fault. */
export const LATE_MS = 2;
const WRONG_ANSWERS_MAX = 1_000;

/** A vote's acknowledgement, in ms of the run's monotonic clock. */
export interface Acknowledgement {
  readonly dueAt: number;
  /** When the acknowledged try left. */
  readonly sentAt: number;
  readonly now: number;
}

export class RunRecord {
  /** Of acknowledged votes, from the instant at which each was due. */
  readonly latency = new Histogram();
  /** Of acknowledged votes, from the instant at which the acknowledged try left. */
  readonly service = new Histogram();
  /** For how long at a time the generator did not look at its schedule. */
  readonly gaps = new Histogram();
  /** Acknowledged votes by the second of the run in which the answer came. */
  readonly acceptedPerSecond: number[] = [];
  readonly failures: Partial<Record<ConnectionFailure, number>> = {};
  /** Keys of votes whose answer carried another id; the first ones. */
  readonly wrongAnswers: string[] = [];
  sent = 0;
  accepted = 0;
  rejected = 0;
  /** Votes of unknown outcome now; a retry may still settle them. */
  unknown = 0;
  retries = 0;
  /** Votes that fell due more than LATE_MS before the generator looked. */
  late = 0;
  /** Votes that waited because no connection had room, and the most that waited at once. */
  waited = 0;
  backlogMax = 0;
  firstSentAt = 0;
  lastAcceptedAt = 0;

  /** The generator looked at its schedule, `gapMs` after it did last; `late` votes fell due in vain. */
  looked(gapMs: number, late: number): void {
    this.gaps.record(gapMs);
    this.late += late;
  }

  /** A vote left for the first time; `waited`: when it fell due no connection had room. */
  departed(now: number, waited: boolean): void {
    if (this.sent === 0) this.firstSentAt = now;
    this.sent += 1;
    if (waited) this.waited += 1;
  }

  acknowledged({ dueAt, sentAt, now }: Acknowledgement): void {
    this.accepted += 1;
    this.lastAcceptedAt = now;
    this.latency.record(now - dueAt);
    this.service.record(now - sentAt);
    const second = Math.max(0, Math.floor((now - this.firstSentAt) / 1_000));
    while (this.acceptedPerSecond.length <= second) this.acceptedPerSecond.push(0);
    this.acceptedPerSecond[second] = (this.acceptedPerSecond[second] as number) + 1;
  }

  wronglyAnswered(key: string): void {
    if (this.wrongAnswers.length < WRONG_ANSWERS_MAX) this.wrongAnswers.push(key);
  }

  failed(reason: ConnectionFailure): void {
    this.failures[reason] = (this.failures[reason] ?? 0) + 1;
  }

  /** From the first departure to the last acknowledgement, ms. */
  get elapsedMs(): number {
    return Math.max(0, this.lastAcceptedAt - this.firstSentAt);
  }
}
