/** How the queues of a log are called and declared. */
import type { Channel } from 'amqplib';
import { ApuraError } from '../../domain/errors.ts';
import { CONTROL_PARTITION } from '../../ports/event-log.ts';
import { closeChannel, type RabbitmqConnection, replyCode } from './connection.ts';
import type { RabbitmqSettings } from './rabbitmq-url.ts';

export function streamName(stream: string, logId: string, partition: number): string {
  return `${stream}-${logId}-${partition === CONTROL_PARTITION ? 'control' : partition}`;
}

/**
 * Makes the streams of a log that is not there yet, and sees that those of a log that is there are all
 * there, as many as they were made and as they were made. The control stream is made last: where it is,
 * all have been.
 *
 * @throws ApuraError `invalid_config`: they were made with other settings, or another number of them.
 * @throws ApuraError `log_rewound`: some of them are gone.
 * @throws ApuraError `log_unavailable`
 */
export async function declareStreams(
  connection: RabbitmqConnection,
  settings: RabbitmqSettings,
  logId: string,
  partitions: number,
): Promise<void> {
  const name = (partition: number): string => streamName(settings.stream, logId, partition);
  const isMade = await exists(connection, name(CONTROL_PARTITION));
  if (await exists(connection, name(partitions))) {
    throw new ApuraError(
      'invalid_config',
      `The log has a stream ${name(partitions)}, and so more than ${partitions} partitions.`,
    );
  }
  const channel = await connection.openChannel();
  try {
    for (let partition = partitions - 1; partition >= CONTROL_PARTITION; partition -= 1) {
      if (isMade && !(await exists(connection, name(partition)))) {
        throw new ApuraError(
          'log_rewound',
          `The log lacks its stream ${name(partition)}: it was deleted, or the log never had ` +
            `${partitions} partitions.`,
        );
      }
      await declare(connection, channel, settings, name(partition));
    }
  } finally {
    await closeChannel(channel);
  }
}

async function declare(
  connection: RabbitmqConnection,
  channel: Channel,
  { replicas, segmentBytesMax }: RabbitmqSettings,
  queue: string,
): Promise<void> {
  try {
    await channel.assertQueue(queue, {
      durable: true,
      arguments: {
        'x-queue-type': 'stream',
        'x-initial-cluster-size': replicas,
        ...(segmentBytesMax === null ? {} : { 'x-stream-max-segment-size-bytes': segmentBytesMax }),
      },
    });
  } catch (cause) {
    if (replyCode(cause) !== 406) throw connection.unavailable(cause);
    throw new ApuraError(
      'invalid_config',
      `The queue ${queue} was made with other settings than the address of the log has now.`,
      { cause },
    );
  }
}

/** Asks on a channel of its own: RabbitMQ ends the channel by its answer that there is none. */
async function exists(connection: RabbitmqConnection, queue: string): Promise<boolean> {
  const channel = await connection.openChannel();
  try {
    await channel.checkQueue(queue);
    return true;
  } catch (error) {
    if (replyCode(error) === 404) return false;
    throw connection.unavailable(error);
  } finally {
    await closeChannel(channel);
  }
}
