/** Kafka logs for the contract suite: each of a name of its own on one shared server. */
import { deleteRecordsV2, deleteTopicsV6 } from '@platformatic/kafka';
import { Brokers } from '../../src/adapters/kafka/brokers.ts';
import { openKafkaLog } from '../../src/adapters/kafka/event-log.ts';
import { parseKafkaUrl } from '../../src/adapters/kafka/kafka-url.ts';
import type { ApuraError } from '../../src/domain/errors.ts';
import { CONTROL_PARTITION, type EventLog } from '../../src/ports/event-log.ts';
import { EVERY_PARTITION, type EventLogHarness } from './event-log-under-test.ts';
import { waitUntil } from './wait-until.ts';

const ADMIN_TIMEOUT_MS = 4_000;
const TOPIC = 'contract';

/** @param server asked at each use, when the server has been started. */
export function kafkaEventLog(server: () => { readonly brokers: string }): EventLogHarness {
  return {
    manyWriters: true,
    trims: true,
    breaks: false,
    async create(partitions) {
      const logId = crypto.randomUUID();
      const url = `kafka://${server().brokers}/${TOPIC}`;
      const handles = new Set<EventLog>();
      const open = async (): Promise<EventLog> => {
        const log = await openWhenThere({ url, logId, partitions });
        handles.add(log);
        return log;
      };
      const endHandles = async (): Promise<void> => {
        for (const handle of handles) await handle[Symbol.asyncDispose]();
        handles.clear();
      };
      await using _ = await openWhenThere({ url, logId, partitions });
      return {
        openWriter: open,
        openReader: open,
        // Disposing cuts the connections, as the end of a process does: nothing is waited for.
        async crash() {
          await endHandles();
          await using log = await openWhenThere({ url, logId, partitions });
          await settled(log);
        },
        async trim(partition, start) {
          const isControl = partition === CONTROL_PARTITION;
          const name = `${TOPIC}-${logId}${isControl ? '-control' : ''}`;
          const partitions = [{ partitionIndex: isControl ? 0 : partition, offset: BigInt(start) }];
          await using brokers = new Brokers(parseKafkaUrl(url));
          await waitUntil('the records are deleted', async () => {
            const connection = await brokers.anyConnection();
            await deleteRecordsV2.api.async(connection, [{ name, partitions }], ADMIN_TIMEOUT_MS);
            return true;
          });
        },
        async [Symbol.asyncDispose]() {
          await endHandles();
          await deleteTopics(url, [`${TOPIC}-${logId}`, `${TOPIC}-${logId}-control`]);
        },
      };
    },
  };
}

/** Opens it as a role does: again while the brokers do not answer in time. */
function openWhenThere(options: Parameters<typeof openKafkaLog>[0]): Promise<EventLog> {
  return waitUntil('Kafka answers', () =>
    openKafkaLog(options).catch((error: ApuraError) => {
      if (error.code === 'log_unavailable') return null;
      throw error;
    }),
  );
}

/** Resolves when the broker knows nothing of them any more. */
export async function deleteTopics(url: string, names: readonly string[]): Promise<void> {
  await using brokers = new Brokers(parseKafkaUrl(url));
  const topics = names.map((name) => ({ name }));
  await waitUntil('the topics are gone', async () => {
    const { topics: left } = await brokers.cluster(names);
    if (left.every(({ errorCode }) => errorCode !== 0)) return true;
    const connection = await brokers.anyConnection();
    await deleteTopicsV6.api.async(connection, topics, ADMIN_TIMEOUT_MS);
    return false;
  });
}

/** Waits until the broker has done what it had received: it lives on when a client dies. */
async function settled(log: EventLog): Promise<void> {
  let before = '';
  await waitUntil('the broker has worked off what it had received', async () => {
    const ends = await Promise.all(EVERY_PARTITION.map((partition) => log.bounds(partition)));
    const now = JSON.stringify(ends);
    const isSame = now === before;
    before = now;
    return isSame;
  });
}
