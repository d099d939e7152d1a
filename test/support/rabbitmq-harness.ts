/** Logs and groups under test on a RabbitMQ node, each with queues of its own. */
import { connect } from 'amqplib';
import { openRabbitmqLog } from '../../src/adapters/rabbitmq/event-log.ts';
import { joinRabbitmqGroup } from '../../src/adapters/rabbitmq/partition-ownership.ts';
import type { EventLogHarness } from '../../src/ports/event-log.contract.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import type { OwnershipHarness } from '../../src/ports/partition-ownership.contract.ts';
import type { PartitionOwnership } from '../../src/ports/partition-ownership.ts';
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

export function rabbitmqOwnership(url: () => string): OwnershipHarness {
  return {
    async create(partitions) {
      const id = crypto.randomUUID();
      const members = new Map<PartitionOwnership, LossyProxy>();
      const crash = async (member: PartitionOwnership): Promise<void> => {
        await members.get(member)?.[Symbol.asyncDispose]();
        members.delete(member);
        await member[Symbol.asyncDispose]();
      };
      return {
        async join({ logId = 'log', role = 'tally' } = {}) {
          const proxy = await lossyProxy(url());
          const group = { logId: `${id}-${logId}`, role, partitions };
          const member = await joinRabbitmqGroup({ url: proxy.url, ...group });
          members.set(member, proxy);
          return member;
        },
        crash,
        async [Symbol.asyncDispose]() {
          for (const member of [...members.keys()]) await crash(member);
        },
      };
    },
  };
}
