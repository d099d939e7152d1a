/** How many partitions the logs of a new installation get. */
import type { Config } from '../config/config.ts';

/**
 * Where nobody has said a number. RabbitMQ takes each block as a message with a confirmation of its own:
 * with 256 voters at once on two cores twelve blocks a flush cost the broker 10 µs a vote, four 4, and a
 * door took a fifth more votes.
 */
const UNTOLD = { sqlite: 1, kafka: 12, rabbitmq: 4 } as const;

/** They are minted with it; a log that is there keeps its own number. */
export function firstPartitions({ log, partitions }: Pick<Config, 'log' | 'partitions'>): number {
  return partitions ?? UNTOLD[log.kind];
}
