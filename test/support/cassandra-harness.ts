/** Stores under test on one Cassandra server: each with log ids of its own, reached through a proxy that can be cut. */
import { Client } from 'cassandra-driver';
import { openCassandraArchive } from '../../src/adapters/cassandra/archive.ts';
import type { Archive } from '../../src/ports/archive.ts';
import type { StoreUnderTest } from '../../src/ports/store-under-test.ts';
import { type CassandraServer, startCassandra } from './cassandra-server.ts';
import { type LossyProxy, lossyProxy } from './lossy-proxy.ts';

export interface CassandraHarness extends AsyncDisposable {
  readonly server: CassandraServer;
  /** Runs a statement behind the stores' backs. */
  execute(text: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** A new store in the keyspace `contract`. */
  create(): StoreUnderTest<Archive>;
}

export async function cassandraHarness(): Promise<CassandraHarness> {
  const server = await startCassandra();
  let stores = 0;
  return {
    server,
    async execute(text) {
      const client = new Client({
        contactPoints: [server.address],
        localDataCenter: 'datacenter1',
        socketOptions: { readTimeout: 60_000 },
      });
      try {
        return (await client.execute(text)).rows;
      } finally {
        await client.shutdown();
      }
    },
    create() {
      stores += 1;
      const prefix = `${stores}-`;
      let handles: Archive[] = [];
      let proxy: Promise<LossyProxy> | null = null;
      const crash = async (): Promise<void> => {
        await (await proxy)?.[Symbol.asyncDispose]();
        proxy = null;
        await Promise.all(handles.map((handle) => handle[Symbol.asyncDispose]()));
        handles = [];
      };
      return {
        async open() {
          proxy ??= lossyProxy(`tcp://${server.address}`);
          const { host } = new URL((await proxy).url);
          const url = server.url('contract').replace(server.address, host);
          const handle = await openCassandraArchive({ url });
          handles.push(handle);
          return withPrefix(handle, prefix);
        },
        crash,
        [Symbol.asyncDispose]: crash,
      };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A keyspace and its tables take seconds to make; logs are as far apart as keyspaces are. */
function withPrefix(archive: Archive, prefix: string): Archive {
  return {
    put: (logId, ...rest) => archive.put(prefix + logId, ...rest),
    position: (logId, ...rest) => archive.position(prefix + logId, ...rest),
    setPosition: (logId, ...rest) => archive.setPosition(prefix + logId, ...rest),
    read: (logId, ...rest) => archive.read(prefix + logId, ...rest),
    [Symbol.asyncDispose]: () => archive[Symbol.asyncDispose](),
  };
}
