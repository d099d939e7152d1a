/**
 * The event log on RabbitMQ: a stream queue a partition, over AMQP with publisher confirms. Blocks are
 * sent on one connection and read on another, because RabbitMQ stops to listen to a connection that
 * publishes while it is short of memory or disk.
 */
import { ApuraError } from '../../domain/errors.ts';
import {
  type AppendOptions,
  CONTROL_PARTITION,
  type EventLog,
  type LogBounds,
  type LogDescription,
  type LoggedBlock,
  type LogPosition,
  type PartitionBlock,
} from '../../ports/event-log.ts';
import { AppendChannel, type SendOutcome } from './append-channel.ts';
import { AppendSight, type Sighting } from './append-sight.ts';
import { RabbitmqConnection } from './connection.ts';
import { parseRabbitmqUrl } from './rabbitmq-url.ts';
import { declareStreams, streamName } from './stream-names.ts';
import { StreamReader } from './stream-reader.ts';

export interface RabbitmqLogOptions {
  /** See `parseRabbitmqUrl`. */
  readonly url: string;
  readonly logId: string;
  readonly partitions: number;
}

/** Fewer copies than this have no quorum that survives the loss of one. */
const QUORUM_REPLICAS = 3;
/**
 * Calls under way that serve a door. Three instead of one took 35 µs instead of 41 of a vote's CPU
 * time in door and broker together, and 43 instead of 48 in another series (256 connections, a busy
 * machine); a fourth made no difference that could be told.
 */
const APPENDS_UNDER_WAY_MAX = 3;

/**
 * Connects, and makes the log's streams where there are none yet.
 *
 * The durability class rests on the address: RabbitMQ confirms a block before it is on disk, so one
 * node is `process-safe`. With `replicas` of 3 or more a block is confirmed when most of the copies
 * have it, `replicated`. That the streams were made with that number is checked; how many of the nodes
 * are there now can not be asked over AMQP, and is their operator's word.
 *
 * @throws ApuraError `invalid_config`: the address is wrong, or the streams were made by another.
 * @throws ApuraError `log_rewound`: some of the log's streams are gone.
 * @throws ApuraError `log_unavailable`: no node answers.
 */
export async function openRabbitmqLog(options: RabbitmqLogOptions): Promise<EventLog> {
  const { logId, partitions } = options;
  const settings = parseRabbitmqUrl(options.url);
  await using opened = new AsyncDisposableStack();
  const writing = opened.use(await RabbitmqConnection.open(settings));
  const reading = opened.use(await RabbitmqConnection.open(settings));
  await declareStreams(reading, settings, logId, partitions);
  const queues = new Map<number, string>();
  for (let partition = CONTROL_PARTITION; partition < partitions; partition += 1) {
    queues.set(partition, streamName(settings.stream, logId, partition));
  }
  const { replicas } = settings;
  const sender = opened.use(new AppendChannel(writing));
  await sender.ready();
  const sight = opened.use(new AppendSight(reading));
  const reader = opened.use(new StreamReader({ connection: reading, queues, replicas }));
  const description: LogDescription = {
    logId,
    partitions,
    durability: replicas >= QUORUM_REPLICAS ? 'replicated' : 'process-safe',
    atomicAppend: false,
    appendsUnderWayMax: APPENDS_UNDER_WAY_MAX,
  };
  return new RabbitmqEventLog({ description, queues, sender, sight, reader, owned: opened.move() });
}

interface Parts {
  readonly description: LogDescription;
  readonly queues: ReadonlyMap<number, string>;
  readonly sender: AppendChannel;
  readonly sight: AppendSight;
  readonly reader: StreamReader;
  readonly owned: AsyncDisposableStack;
}

class RabbitmqEventLog implements EventLog {
  readonly description: LogDescription;
  readonly #parts: Parts;
  /** Makes a block's id unlike that of any other handle's. */
  readonly #handle = crypto.randomUUID();
  #sequence = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.description = parts.description;
  }

  async append(
    blocks: readonly PartitionBlock[],
    options?: AppendOptions,
  ): Promise<readonly number[]> {
    if (blocks.length === 0) return [];
    const { sender, sight, reader } = this.#parts;
    const outgoing = blocks.map(({ partition, bytes }) => {
      this.#sequence += 1;
      const id = `${this.#handle}-${this.#sequence}`;
      return { partition, queue: this.#queue(partition), id, bytes };
    });
    using expected = new DisposableStack();
    const sightings: Sighting[] = [];
    // To see an offset is to read the block again: only for those who look at it.
    for (const { queue, id } of options?.offsets === 'unneeded' ? [] : outgoing) {
      sightings.push(expected.use(await sight.expect(queue, id)));
    }
    await sender.room(blocks.reduce((sum, { bytes }) => sum + bytes.length, 0));
    assertStored(await sender.send(outgoing));
    const offsets = await Promise.all(sightings.map((sighting) => sighting.offset()));
    for (const [index, offset] of offsets.entries()) {
      reader.saw(blocks[index]?.partition ?? CONTROL_PARTITION, offset);
    }
    return offsets;
  }

  async read(partition: number, from: number, maxBytes: number): Promise<readonly LoggedBlock[]> {
    return this.#parts.reader.read(partition, from, maxBytes);
  }

  async bounds(partition: number): Promise<LogBounds> {
    return this.#parts.reader.bounds(partition);
  }

  async changed(positions: readonly LogPosition[], signal: AbortSignal): Promise<void> {
    return this.#parts.reader.changed(positions, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.owned.disposeAsync();
  }

  #queue(partition: number): string {
    const queue = this.#parts.queues.get(partition);
    if (queue === undefined) throw new RangeError(`The log has no partition ${partition}`);
    return queue;
  }
}

function assertStored(outcomes: readonly SendOutcome[]): void {
  if (outcomes.every((outcome) => outcome === 'stored')) return;
  if (outcomes.every((outcome) => outcome === 'returned')) {
    throw new ApuraError('log_unavailable', 'RabbitMQ has no stream for the blocks.');
  }
  throw new ApuraError('append_unknown', 'RabbitMQ has not confirmed every block.');
}
