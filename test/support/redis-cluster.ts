/** A Redis cluster of the tests' own: three nodes without replicas, a third of the slots each. */
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { type RedisServer, startRedis } from './redis-server.ts';
import { waitUntil } from './wait-until.ts';

export interface RedisCluster extends AsyncDisposable {
  /** Names all nodes. */
  readonly url: string;
  readonly nodes: readonly RedisServer[];
}

const NODES = 3;
const SLOTS = 16_384;

/** @throws when there is no redis-server: these tests are never skipped. */
export async function startRedisCluster(): Promise<RedisCluster> {
  await using started = new AsyncDisposableStack();
  using clients = new DisposableStack();
  const nodes: RedisServer[] = [];
  const admins: Redis[] = [];
  const busPorts: number[] = [];
  for (let node = 0; node < NODES; node += 1) {
    const busPort = await freePort();
    const settings = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)];
    const server = await startRedis([...settings, '--cluster-node-timeout', '2000']);
    nodes.push(started.use(server));
    const admin = new Redis(server.url, { enableReadyCheck: false });
    admins.push(clients.adopt(admin, (client) => client.disconnect()));
    busPorts.push(busPort);
  }
  for (const [index, admin] of admins.entries()) {
    const from = Math.floor((index * SLOTS) / NODES);
    const to = Math.floor(((index + 1) * SLOTS) / NODES) - 1;
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    // Two nodes with one epoch would dispute their slots.
    await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
  }
  const [first] = admins;
  for (const [index, { url }] of nodes.entries()) {
    if (index === 0) continue;
    await first?.call('CLUSTER', 'MEET', '127.0.0.1', new URL(url).port, busPorts[index] ?? 0);
  }
  for (const admin of admins) {
    await waitUntil('a whole cluster', async () => {
      const info = String(await admin.call('CLUSTER', 'INFO'));
      return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${NODES}`);
    });
  }
  const kept = started.move();
  return {
    url: `redis://${nodes.map(({ url }) => new URL(url).host).join(',')}?cluster=1`,
    nodes,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
