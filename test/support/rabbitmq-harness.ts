/** Logs under test on a RabbitMQ node, each with streams of its own. */
import { connect } from 'amqplib';
import { openRabbitmqLog } from '../../src/adapters/rabbitmq/event-log.ts';
import type { EventLogHarness } from '../../src/ports/event-log.contract.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import { type LossyProxy, lossyProxy } from './lossy-proxy.ts';

/** `url` is asked for each time: a test file's server is not there when its tests are declared. */
export function rabbitmqEventLog(url: () => string): EventLogHarness {
  return {
    manyWriters: true,
    trims: false,
    breaks: false,
    async create(partitions) {
      const logId = crypto.randomUUID();
      const handles: { readonly log: EventLog; readonly proxy: LossyProxy }[] = [];
      const open = async (): Promise<EventLog> => {
        const proxy = await lossyProxy(url());
        const log = await openRabbitmqLog({ url: proxy.url, logId, partitions });
        handles.push({ log, proxy });
        return log;
      };
      /** The connections break under the handles as those of a dead process do. */
      const crash = async (): Promise<void> => {
        for (const { log, proxy } of handles.splice(0)) {
          await proxy[Symbol.asyncDispose]();
          await log[Symbol.asyncDispose]();
        }
      };
      return {
        openWriter: open,
        openReader: open,
        crash,
        async [Symbol.asyncDispose]() {
          await crash();
          await deleteLog(url(), logId, partitions);
        },
      };
    },
  };
}

async function deleteLog(url: string, logId: string, partitions: number): Promise<void> {
  const connection = await connect(url);
  const channel = await connection.createChannel();
  for (const part of ['control', ...Array(partitions).keys()]) {
    await channel.deleteQueue(`apura-${logId}-${part}`);
  }
  await connection.close();
}
