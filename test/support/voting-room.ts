/** Everything that voting use cases stand on, in memory: catalogue, control log, directory and clock. */
import { MemoryCatalogue, MemoryCatalogueStore } from '../../src/adapters/memory/catalogue.ts';
import { ManualClock } from '../../src/adapters/memory/clock.ts';
import { PollDirectory } from '../../src/application/voting/poll-directory.ts';
import type { PollEditorDeps } from '../../src/application/voting/poll-editor.ts';
import {
  followPollRecord,
  PublishPollChanges,
} from '../../src/application/voting/publish-poll-changes.ts';
import { ApuraError } from '../../src/domain/errors.ts';
import type { Poll } from '../../src/domain/voting/poll.ts';
import { decodePollRecord, type PollRecord } from '../../src/domain/voting/poll-record.ts';
import { sampleAct, sampleChange, samplePoll } from './catalogue-samples.ts';

export const START_TIME = Date.parse('2026-11-21T20:00:00Z');

export class VotingRoom implements PollEditorDeps {
  readonly clock = new ManualClock(START_TIME);
  readonly effectDelayMs: number;
  /** Payloads of the control partition's blocks. */
  readonly controlLog: Uint8Array[] = [];
  /** What the next appends to the control partition do instead of succeeding. */
  readonly appendFaults: ('refused' | 'unknown')[] = [];
  readonly #store = new MemoryCatalogueStore();
  /** How many blocks of the control log the directory holds. */
  #followed = 0;
  catalogue = new MemoryCatalogue(this.#store);
  directory = new PollDirectory();
  publisher: PublishPollChanges;

  constructor(effectDelayMs: number = 0) {
    this.effectDelayMs = effectDelayMs;
    this.publisher = this.#newPublisher();
  }

  /** The process is gone: a new one follows the control log, and has published nothing yet. */
  restart(): void {
    this.catalogue = new MemoryCatalogue(this.#store);
    this.directory = new PollDirectory();
    this.#followed = 0;
    this.#follow(this.controlLog.length - 1);
    this.publisher = this.#newPublisher();
  }

  /** Puts a poll into catalogue, log and directory as it is, whatever led there. */
  async place(fields: Partial<Poll> = {}): Promise<Poll> {
    const poll = samplePoll({
      createdAt: START_TIME,
      updatedAt: START_TIME,
      version: 1,
      ...fields,
    });
    await this.catalogue.putPoll(sampleChange(poll, { act: sampleAct({ poll: poll.id }) }));
    await this.publisher.run();
    return poll;
  }

  /** What was written to the control partition, in order. */
  records(): readonly PollRecord[] {
    return this.controlLog.map(decodePollRecord);
  }

  /** Acts on a poll, oldest first, without those of `place`. */
  async acts(poll: string = 'final') {
    const { acts } = await this.catalogue.acts(poll, null, 100);
    return acts.filter(({ at }) => at >= START_TIME).reverse();
  }

  /** Reads the control log up to and with this offset. */
  #follow(offset: number): void {
    for (const payload of this.controlLog.slice(this.#followed, offset + 1)) {
      followPollRecord(this.directory, payload);
    }
    this.#followed = Math.max(this.#followed, offset + 1);
  }

  #newPublisher(): PublishPollChanges {
    const { catalogue, directory, clock, effectDelayMs } = this;
    const appendControl = async (payload: Uint8Array): Promise<number> => {
      const fault = this.appendFaults.shift();
      if (fault === 'refused') throw new ApuraError('log_unavailable', 'not appended');
      const offset = this.controlLog.push(payload) - 1;
      if (fault === 'unknown') throw new ApuraError('append_unknown', 'appended, or not');
      return offset;
    };
    return new PublishPollChanges({
      ...{ catalogue, directory, clock, effectDelayMs, appendControl },
      applied: async (offset) => this.#follow(offset),
    });
  }
}
