/** Several processes publish poll changes side by side, and several doors go by them. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { sampleChange, samplePoll } from '../../../test/support/catalogue-samples.ts';
import { DoorRoom } from '../../../test/support/door-room.ts';
import { settled } from '../../../test/support/hand-turned-loop.ts';
import { TurnedTime } from '../../../test/support/turned-time.ts';
import { START_TIME } from '../../../test/support/voting-room.ts';
import { MemoryCatalogue, MemoryCatalogueStore } from '../../adapters/memory/catalogue.ts';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { MemoryEventLog, MemoryLogStore } from '../../adapters/memory/event-log.ts';
import {
  CONTROL_BLOCK_PARTITION,
  decodeBlock,
  encodeControlBlock,
} from '../../domain/counting/block.ts';
import { ApuraError } from '../../domain/errors.ts';
import {
  decodePollRecord,
  encodePollRecord,
  type PollRecord,
} from '../../domain/voting/poll-record.ts';
import { CONTROL_PARTITION } from '../../ports/event-log.ts';
import { CONTROL_STALE_MS, ControlFollower } from './control-follower.ts';
import { PollDirectory } from './poll-directory.ts';
import { EFFECT_DELAY_APART_MS, PublishPollChanges } from './publish-poll-changes.ts';
import { VoteDoor } from './vote-door.ts';

const CLOCK_BOUND_MS = 2_000;
const SOURCE = { writerId: 1n, sequence: 1 };
const blockOf = (payload: Uint8Array): Uint8Array =>
  encodeControlBlock(CONTROL_BLOCK_PARTITION, START_TIME, SOURCE, payload);

/** What all the processes of a test share. */
class Shared {
  readonly catalogue = new MemoryCatalogueStore();
  readonly log = new MemoryLogStore('log', 1);

  async records(): Promise<readonly PollRecord[]> {
    const blocks = await new MemoryEventLog(this.log).read(CONTROL_PARTITION, 0, 1 << 30);
    return blocks.flatMap(({ bytes }) => {
      const block = decodeBlock(bytes);
      return block.kind === 'control' ? [decodePollRecord(block.payload)] : [];
    });
  }
}

/** One process that changes polls and publishes the changes; whatever it does takes its turn. */
class Process {
  readonly catalogue: MemoryCatalogue;
  readonly log: MemoryEventLog;
  readonly directory = new PollDirectory();
  /** What its directory took in, in order. */
  readonly taken: PollRecord[] = [];
  readonly publisher: PublishPollChanges;
  readonly #shared: Shared;
  readonly #turn: (what: string) => Promise<unknown>;
  #position = 0;

  constructor(shared: Shared, clockError: number, turn: (what: string) => Promise<unknown>) {
    this.#shared = shared;
    this.#turn = turn;
    this.catalogue = new MemoryCatalogue(shared.catalogue);
    this.log = new MemoryEventLog(shared.log);
    this.directory.subscribe((record) => this.taken.push(record));
    const { catalogue } = this;
    this.publisher = new PublishPollChanges({
      catalogue: {
        unpublished: async () => {
          await turn('unpublished');
          const found = await catalogue.unpublished();
          await turn('unpublished answers');
          return found;
        },
        markPublished: async (poll, version) => {
          await turn('mark');
          await catalogue.markPublished(poll, version);
        },
      },
      directory: this.directory,
      clock: new ManualClock(START_TIME + clockError),
      effectDelayMs: EFFECT_DELAY_APART_MS,
      appendControl: async (payload) => {
        await turn('append');
        const [offset = 0] = await this.log.append([
          { partition: CONTROL_PARTITION, bytes: blockOf(payload) },
        ]);
        await turn('append answers');
        return offset;
      },
      applied: async (offset) => {
        await turn('read');
        await this.follow(offset);
      },
    });
  }

  /** Reads the control partition up to and with this offset. */
  async follow(offset: number): Promise<void> {
    const records = await this.#shared.records();
    for (; this.#position <= offset && this.#position < records.length; this.#position += 1) {
      const record = records[this.#position];
      if (record !== undefined) this.directory.apply(record);
    }
  }

  /** Changes a poll, and sees to it that the change stands in the log, whatever goes wrong. */
  async change(id: string): Promise<void> {
    for (let isStored = false; !isStored; ) {
      const version = ((await this.catalogue.poll(id))?.version ?? 0) + 1;
      await this.#turn('decide');
      const poll = samplePoll({ id, version });
      isStored = (await this.catalogue.putPoll(sampleChange(poll))) === 'stored';
    }
    for (;;) {
      try {
        return await this.publisher.run();
      } catch (error) {
        if (!(error instanceof ApuraError)) throw error;
      }
    }
  }
}

describe('two processes that publish', () => {
  test('leave one order and one instant of every version, the same to everybody', async () => {
    const change = fc.record({
      process: fc.nat(1),
      poll: fc.constantFrom('final', 'semi'),
      isUnknown: fc.boolean(),
    });
    const changes = fc.array(change, { minLength: 1, maxLength: 8 });
    const errors = fc.integer({ min: 1, max: CLOCK_BOUND_MS });
    const run = fc.asyncProperty(fc.scheduler(), changes, errors, async (s, made, clockError) => {
      const shared = new Shared();
      const turn = (what: string) => s.schedule(Promise.resolve(), what);
      const processes = [0, clockError].map((error) => new Process(shared, error, turn));
      const work = made.map(async ({ process, poll, isUnknown }) => {
        if (isUnknown) shared.log.failNextAppend({ code: 'append_unknown', appended: 1 });
        await processes[process]?.change(poll);
      });
      await s.waitFor(Promise.all(work));
      const records = await shared.records();
      for (const process of processes) {
        await process.follow(records.length);
        expect(await process.catalogue.unpublished()).toEqual([]);
      }
      const late = new Process(shared, 0, turn);
      await late.follow(records.length);
      for (const { taken } of processes) expect(taken).toEqual(late.taken);
      for (const id of ['final', 'semi']) {
        const versions = late.taken.flatMap(({ poll }) => (poll.id === id ? [poll.version] : []));
        expect(versions).toEqual(versions.map((_, index) => index + 1));
        const stored = (await late.catalogue.poll(id))?.version ?? 0;
        expect(versions).toHaveLength(stored);
        expect(late.directory.newest(id)?.poll.version ?? 0).toBe(stored);
      }
    });
    await fc.assert(run, { numRuns: 150 });
  });

  test('state an instant that lies as far ahead as doors may be behind', async () => {
    const process = new Process(new Shared(), 0, () => Promise.resolve());
    await process.change('final');
    expect(process.taken[0]?.effectiveAt).toBe(START_TIME + EFFECT_DELAY_APART_MS);
    expect(EFFECT_DELAY_APART_MS).toBeGreaterThan(CONTROL_STALE_MS);
  });

  test('confirm a change only once they have read it themselves', async () => {
    const shared = new Shared();
    const gate = Promise.withResolvers<void>();
    const process = new Process(shared, 0, (what) =>
      what === 'read' ? gate.promise : Promise.resolve(),
    );
    const changed = process.change('final');
    await settled();
    expect(await shared.records()).toHaveLength(1);
    expect(process.directory.newest('final')).toBeUndefined();
    expect(await process.catalogue.unpublished()).toHaveLength(1);
    gate.resolve();
    await changed;
    expect(process.directory.newest('final')?.poll.version).toBe(1);
    expect(await process.catalogue.unpublished()).toEqual([]);
  });
});

describe('a door that slept through a change', () => {
  test('takes no vote on waking before it has read the change, and none that it forbids', async () => {
    const room = new DoorRoom();
    const time = new TurnedTime(room.clock);
    const stop = new AbortController();
    const follower = new ControlFollower({
      log: room.log,
      clock: room.clock,
      directory: room.directory,
      sleep: time.sleep,
      onTrouble: () => {},
    });
    const door = new VoteDoor({
      writer: room.writer,
      clock: room.clock,
      settings: room.settings,
      randomWords: () => [1, 2, 3],
      directory: room.directory,
      ready: () => follower.isFresh(CONTROL_STALE_MS),
    });
    const cast = () => {
      const poll = door.poll('final');
      return poll === null ? null : door.cast(poll, 'ana', null).kind;
    };
    const publish = async (version: number, state: 'open' | 'paused', effectiveAt: number) => {
      const poll = samplePoll({ version, state, opensAt: START_TIME });
      const bytes = blockOf(encodePollRecord({ type: 'poll', effectiveAt, poll }));
      await new MemoryEventLog(room.logStore).append([{ partition: CONTROL_PARTITION, bytes }]);
    };
    await publish(1, 'open', START_TIME);
    await time.answer(follower.start(stop.signal));
    expect(cast()).toBe('on_its_way');

    // The process is stopped: the log goes on without it, and nothing of it runs.
    await publish(2, 'paused', room.clock.now() + EFFECT_DELAY_APART_MS);
    room.clock.advance(EFFECT_DELAY_APART_MS + 1);
    // On waking requests may be served before anything was read.
    expect(room.directory.newest('final')?.poll.version).toBe(1);
    expect(cast()).toBe('not_ready');
    await time.until(() => follower.isFresh(CONTROL_STALE_MS));
    expect(room.directory.newest('final')?.poll.version).toBe(2);
    expect(cast()).toBe('poll_not_open');
    stop.abort();
    await follower.ended;
    await room.writer.drain();
  });
});
