/** A door of votes on a log in memory, at a time that the test says. */
import { MemoryEventLog, MemoryLogStore } from '../../src/adapters/memory/event-log.ts';
import { BlockWriter } from '../../src/application/counting/block-writer.ts';
import type { EventLoop } from '../../src/application/counting/group-commit.ts';
import { type DoorPoll, VoteDoor } from '../../src/application/voting/vote-door.ts';
import { decodeBlock, type EventBlock } from '../../src/domain/counting/block.ts';
import { formatUuidV7, type IdWords } from '../../src/domain/counting/event-id.ts';
import type { LogSettings } from '../../src/domain/counting/log-settings.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import { VotingRoom } from './voting-room.ts';

/** Turns at once, and never lets time pass. */
const PROMPT_LOOP: EventLoop = {
  nextTurn: (run) => queueMicrotask(run),
  after: () => () => {},
};

export interface DoorRoomOptions {
  readonly pendingEventsMax?: number;
  readonly loop?: EventLoop;
  /** What the door appends to; the room's own log in memory unless told. */
  readonly appendTo?: (log: EventLog) => EventLog;
}

export class DoorRoom extends VotingRoom {
  readonly settings: LogSettings = {
    logId: 'log',
    partitions: 1,
    dedupWindowMs: 600_000,
    clockBoundMs: 2_000,
    acceptanceBoundMs: 5_000,
  };
  readonly logStore = new MemoryLogStore('log', 1);
  readonly log: EventLog = new MemoryEventLog(this.logStore);
  /** Whether the door's reading of the control partition is fresh. */
  isReady = true;
  /** What the next id that the door makes is made of. */
  random: readonly [number, number, number] = [1, 2, 3];
  readonly writer: BlockWriter;
  readonly door: VoteDoor;

  constructor(options: DoorRoomOptions = {}) {
    super();
    const { pendingEventsMax = 1_000, loop = PROMPT_LOOP, appendTo } = options;
    const { clock, directory, log, settings } = this;
    this.writer = new BlockWriter({
      log: appendTo?.(log) ?? log,
      clock,
      loop,
      writerId: 1n,
      limits: {
        blockDelayMs: 2,
        blockEventsMax: 1_000,
        pendingEventsMax,
        acceptanceBoundMs: settings.acceptanceBoundMs,
      },
      onFailure: () => {},
    });
    this.door = new VoteDoor({
      writer: this.writer,
      clock,
      settings,
      directory,
      randomWords: () => this.random,
      ready: () => this.isReady,
    });
  }

  /** A poll that the public may know of. */
  known(id: string = 'final'): DoorPoll {
    const poll = this.door.poll(id);
    if (poll === null) throw new Error(`no poll ${id}`);
    return poll;
  }

  /** Every block of events that the log holds. */
  async logged(): Promise<readonly EventBlock[]> {
    const blocks = await this.log.read(0, 0, Number.MAX_SAFE_INTEGER);
    return blocks.map(({ bytes }) => {
      const block = decodeBlock(bytes);
      if (block.kind !== 'events') throw new Error(`a block of ${block.kind}`);
      return block;
    });
  }
}

/** A client's key of that time; `number` tells it from others of the same time. */
export function keyAt(time: number, number: number = 1): string {
  return formatUuidV7({ time, x: number, y: 0x1234_5678, z: 0x155 });
}

/** The ids of a block's events, as words. */
export function idsOf(block: EventBlock): IdWords[] {
  return Array.from({ length: block.count }, (_, index) => ({
    time: block.baseIdTime + (block.idTimeDelta[index] ?? Number.NaN),
    x: block.x[index] ?? Number.NaN,
    y: block.y[index] ?? Number.NaN,
    z: block.z[index] ?? Number.NaN,
  }));
}
