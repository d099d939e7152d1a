/** Real servers for a part of the bench: each with its data in the part's folder, on a free port, seen by its process. */
import { join } from 'node:path';
import { freePort } from '../test/support/free-port.ts';
import { startKafka } from '../test/support/kafka-server.ts';
import { startPostgres } from '../test/support/postgres-server.ts';
import { startRabbitmq } from '../test/support/rabbitmq-server.ts';
import { startRedis } from '../test/support/redis-server.ts';
import { memoryBelow } from '../tools/process-memory.ts';
import { ROOT } from './programs.ts';

export interface BenchServer extends AsyncDisposable {
  readonly url: string;
  /** Its first process. */
  readonly pid: number;
}

type Started = AsyncDisposable & { readonly url: string };

async function seen(starting: Promise<Started>, program: string): Promise<BenchServer> {
  const server = await starting;
  const pid = memoryBelow(process.pid).find(({ command }) => command.includes(program))?.pid;
  if (pid === undefined) throw new Error(`There is no process of ${program}.`);
  const { url } = server;
  return { url, pid, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

async function place(folder: string, name: string) {
  return { folder: join(folder, name), port: await freePort() };
}

/** One node. Its URL names a topic. */
export function startBenchKafka(folder: string): Promise<BenchServer> {
  const start = async (): Promise<Started> => {
    const ports = [await freePort()];
    const controllerPorts = [await freePort()];
    const kept = { folder: join(folder, 'kafka'), ports, controllerPorts };
    const server = await startKafka({ place: kept });
    const url = `kafka://${server.brokers}/bench`;
    return { url, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  };
  return seen(start(), 'kafka.Kafka');
}

/** One node. */
export async function startBenchRabbitmq(folder: string): Promise<BenchServer> {
  return seen(startRabbitmq(await place(folder, 'rabbitmq')), 'beam.smp');
}

/** With the settings that Apura ships for it. */
export async function startBenchRedis(folder: string): Promise<BenchServer> {
  const shipped = ['--include', `${ROOT}deploy/redis/redis.conf`];
  return seen(startRedis(shipped, await place(folder, 'redis')), 'redis-server');
}

/** With the defaults of its package, fsync among them, and these settings. */
export async function startBenchPostgres(
  folder: string,
  settings: readonly string[] = [],
): Promise<BenchServer> {
  return seen(startPostgres(settings, await place(folder, 'postgres')), 'bin/postgres');
}
