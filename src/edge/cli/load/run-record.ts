/**
 * What a load run notes besides the journal: when votes or pulses left, when answers came, what went
 * wrong. Votes leave one at a time, pulses several in a batch.
 */
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

/** An acknowledgement, in ms of the run's monotonic clock. */
export interface Acknowledgement {
  readonly dueAt: number;
  /** When the acknowledged try left. */
  readonly sentAt: number;
  readonly now: number;
  /** How many items it acknowledges; 1 if absent. */
  readonly count?: number;
}

export class RunRecord {
  /** Of acknowledged votes and batches, from the instant at which each was due. */
  readonly latency = new Histogram();
  /** The same from the instant at which the acknowledged try left. */
  readonly service = new Histogram();
  /** For how long at a time the generator did not look at its schedule. */
  readonly gaps = new Histogram();
  /** Acknowledged items by the second of the run in which the answer came. */
  readonly acceptedPerSecond: number[] = [];
  readonly failures: Partial<Record<ConnectionFailure, number>> = {};
  /** Keys of votes whose answer carried another id; the first ones. */
  readonly wrongAnswers: string[] = [];
  sent = 0;
  accepted = 0;
  rejected = 0;
  /** Items of unknown outcome now; a retry may still settle them. */
  unknown = 0;
  retries = 0;
  /** Items that fell due more than LATE_MS before the generator looked. */
  late = 0;
  /** Items that waited because no connection had room, and the most that waited at once. */
  waited = 0;
  backlogMax = 0;
  firstSentAt = 0;
  lastAcceptedAt = 0;

  /** The generator looked at its schedule, `gapMs` after it did last; `late` votes fell due in vain. */
  looked(gapMs: number, late: number): void {
    this.gaps.record(gapMs);
    this.late += late;
  }

  /** `count` items left for the first time; `waited`: when they fell due no connection had room. */
  departed(now: number, waited: boolean, count = 1): void {
    if (this.sent === 0) this.firstSentAt = now;
    this.sent += count;
    if (waited) this.waited += count;
  }

  acknowledged({ dueAt, sentAt, now, count = 1 }: Acknowledgement): void {
    this.accepted += count;
    this.lastAcceptedAt = now;
    this.latency.record(now - dueAt);
    this.service.record(now - sentAt);
    const second = Math.max(0, Math.floor((now - this.firstSentAt) / 1_000));
    while (this.acceptedPerSecond.length <= second) this.acceptedPerSecond.push(0);
    this.acceptedPerSecond[second] = (this.acceptedPerSecond[second] as number) + count;
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
