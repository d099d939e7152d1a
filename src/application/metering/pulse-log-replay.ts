/**
 * The log of pulses as an audit plays it again: a first look through it, then folds up to wherever the
 * ledger has got, of some tenants at a time. The keys of a partition are taken slice by slice, each of which
 * reads the log again, so that no more of them are in memory than `keysAtOnceMax`.
 */
import { deadLetterId, type Sha256 } from '../../domain/metering/dead-letter.ts';
import { unknownTarget } from '../../domain/metering/unknown-target.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { ActHistory } from './act-history.ts';
import { type FoldedPulses, NO_PULSES, PulseFold, sumOfPulses } from './pulse-fold.ts';
import { readPulseLog } from './pulse-log-part.ts';
import { PulseLogSurvey } from './pulse-log-survey.ts';
import type { Positions } from './settled-usage.ts';
import type { UsageTruth } from './usage-truth.ts';

export interface PulseLogReplayDeps {
  readonly log: Pick<EventLog, 'description' | 'read' | 'bounds'>;
  readonly sha256: Sha256;
  /** Keys of a partition in memory, about 50 bytes each. */
  readonly keysAtOnceMax: number;
  readonly onProgress: (partition: number, offset: number, end: number) => void;
}

/** What can't be taken in, and is to lie among the dead letters under this id. */
export interface LoggedLetter {
  readonly offset: number;
  readonly id: string;
}

/** What lies below an offset of a partition beside pulses. */
export interface LoggedBeside {
  /** Pulses that are voided there. */
  readonly voided: number;
  /** Bytes that are no pulse and no act. */
  readonly unreadable: readonly LoggedLetter[];
  /** Acts whose pulse is not there. */
  readonly unknown: readonly LoggedLetter[];
}

const QUEUE = 'resource-consumption.dlq';

export class PulseLogReplay {
  readonly survey: PulseLogSurvey;
  readonly #deps: PulseLogReplayDeps;
  /** By partition; empty before `lookForTargets`. */
  #histories: readonly ActHistory[] = [];

  constructor(deps: PulseLogReplayDeps) {
    const { log, sha256, onProgress } = deps;
    this.#deps = deps;
    const letterId = (bytes: Uint8Array): string => deadLetterId(QUEUE, bytes, sha256);
    this.survey = new PulseLogSurvey({ log, letterId, onProgress });
  }

  /** Finds the pulses that acts below these positions, one a partition, are about. @throws as the survey. */
  async lookForTargets(at: Positions): Promise<void> {
    const { log } = this.#deps;
    const histories: ActHistory[] = [];
    for (const [partition, position] of at.entries()) {
      const known = this.survey.of(partition).nextOffset;
      if (position > known) await this.survey.upTo(partition, position);
      const { acts, nextOffset } = this.survey.of(partition);
      const history = new ActHistory(partition, acts);
      histories.push(history);
      if (acts.length === 0) continue;
      for await (const part of readPulseLog(log, partition, 0, nextOffset)) history.look(part);
    }
    this.#histories = histories;
  }

  /**
   * Adds usage of a partition below `to`, of these tenants (null: of all), to `truth`, after `lookForTargets`
   * to there at least. Resolves to how many pulses there are below `from`, which is no later.
   *
   * @throws as EventLog.read.
   */
  async addUsage(
    partition: number,
    [from, to]: readonly [from: number, to: number],
    tenants: ReadonlySet<string> | null,
    truth: UsageTruth,
  ): Promise<FoldedPulses> {
    const { log, keysAtOnceMax, onProgress } = this.#deps;
    const history = this.#histories[partition];
    const slices = Math.max(1, Math.ceil(this.survey.of(partition).pulses / keysAtOnceMax));
    const targets = history?.targets ?? new Set();
    let below = NO_PULSES;
    for (let slice = 0; slice < slices; slice += 1) {
      const fold = new PulseFold({ partition, slice, slices, tenants, targets, truth });
      for await (const part of readPulseLog(log, partition, 0, from)) {
        fold.add(part);
        onProgress(partition, part.nextOffset, to);
      }
      below = sumOfPulses(below, fold.folded);
      for await (const part of readPulseLog(log, partition, from, to)) fold.add(part);
    }
    history?.addTo(truth, to, tenants);
    return below;
  }

  /** As `addUsage`, `nextOffset` being no later than `lookForTargets` has looked. */
  beside(partition: number, nextOffset: number): LoggedBeside {
    const { log, sha256 } = this.#deps;
    const place = { logId: log.description.logId, partition };
    const history = this.#histories[partition];
    const acts = history?.unknown(nextOffset) ?? [];
    return {
      voided: history?.voided(nextOffset) ?? 0,
      unreadable: this.survey.of(partition).unreadable.filter(({ offset }) => offset < nextOffset),
      unknown: acts.map((act) => ({
        offset: act.offset,
        id: unknownTarget(act, place, act.at, sha256).id,
      })),
    };
  }
}
