/** The bench's log on Kafka or RabbitMQ, by the address of its server. */
import { openKafkaLog } from '../src/adapters/kafka/event-log.ts';
import { openRabbitmqLog } from '../src/adapters/rabbitmq/event-log.ts';
import { firstPartitions } from '../src/compose/first-partitions.ts';
import {
  ACCEPTANCE_BOUND_MS,
  CLOCK_BOUND_MS,
  DEDUP_WINDOW_MS,
  type LogSettings,
} from '../src/domain/counting/log-settings.ts';
import type { EventLog } from '../src/ports/event-log.ts';

/** Of a log on Kafka or RabbitMQ, as roles that run apart make it. */
export function logSettings(url: string): LogSettings {
  const kind = url.startsWith('kafka:') ? 'kafka' : 'rabbitmq';
  return {
    logId: 'bench',
    partitions: firstPartitions({ log: { kind, url }, partitions: null }),
    dedupWindowMs: DEDUP_WINDOW_MS,
    clockBoundMs: CLOCK_BOUND_MS,
    acceptanceBoundMs: ACCEPTANCE_BOUND_MS,
  };
}

/** Opens the log, and makes it where the server has none. */
export function openLogOnServer(url: string): Promise<EventLog> {
  const { logId, partitions } = logSettings(url);
  const options = { url, logId, partitions };
  return url.startsWith('kafka:') ? openKafkaLog(options) : openRabbitmqLog(options);
}
