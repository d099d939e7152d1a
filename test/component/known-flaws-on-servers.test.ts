/**
 * The flaws that systems of this kind are known for, one test each, named after the flaw: what only real
 * servers can show. The others are in known-flaws.test.ts.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { openKafkaLog } from '../../src/adapters/kafka/event-log.ts';
import { openPostgresLedger } from '../../src/adapters/postgres/ledger.ts';
import { openRedisLiveTally } from '../../src/adapters/redis/live-tally.ts';
import { partitionKeys } from '../../src/adapters/redis/tally-keys.ts';
import type { PartitionFollower } from '../../src/application/counting/partition-follower.ts';
import type { Role } from '../../src/compose/role-names.ts';
import { startRole } from '../../src/compose/roles.ts';
import { configOf } from '../../src/config/config.ts';
import { ApuraError } from '../../src/domain/errors.ts';
import type { Ledger, LedgerStep } from '../../src/ports/ledger.ts';
import type { LiveTally, TallyStep } from '../../src/ports/live-tally.ts';
import type { CommitOutcome, PartitionCounts, StepBase } from '../../src/ports/store-step.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { ApiClient, voteKey } from '../support/api-client.ts';
import { event, eventsBlock, type TestBlock } from '../support/blocks.ts';
import { CountingRoom } from '../support/counting-room.ts';
import { countToEnd } from '../support/counting-to-end.ts';
import { DoorUnderTest, POLL } from '../support/door-under-test.ts';
import { type KafkaServer, startKafka } from '../support/kafka-server.ts';
import { lossyProxy } from '../support/lossy-proxy.ts';
import { type PostgresHarness, postgresHarness } from '../support/postgres-harness.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { waitUntil } from '../support/wait-until.ts';

const START_TIMEOUT_MS = 120_000;
const LOG_ID = 'log';
/** Tests that lose an answer wait for as long; a busy machine stands still for less. */
const COMMAND_TIMEOUT_MS = 5_000;

let redis: RedisServer;
let postgres: PostgresHarness;
let kafka: KafkaServer;
let admin: Redis;
let installations = 0;
/** A name of its own in Redis for each test. */
let keyPrefix: string;
/** A schema of its own in Postgres for each test. */
let ledgerUrl: string;

beforeAll(async () => {
  [redis, postgres, kafka] = await Promise.all([startRedis(), postgresHarness(), startKafka()]);
  admin = new Redis(redis.url);
}, START_TIMEOUT_MS);

afterAll(async () => {
  admin.disconnect();
  await Promise.all([redis, postgres, kafka].map((server) => server[Symbol.asyncDispose]()));
});

beforeEach(() => {
  installations += 1;
  keyPrefix = `flaw-${installations}`;
  ledgerUrl = postgres.newUrl();
});

const openTally = (url: string = redis.url): Promise<LiveTally> =>
  openRedisLiveTally({ url, logId: LOG_ID, keyPrefix, commandTimeoutMs: COMMAND_TIMEOUT_MS });
const openLedger = (url: string = ledgerUrl): Promise<Ledger> =>
  openPostgresLedger({ url, logId: LOG_ID });

/** A block of votes for both options, of ids that no other block has. */
function block(number: number): TestBlock {
  const votes = ['ana', 'bruno', 'ana'].map((item, vote) => event(3 * number + vote, { item }));
  return eventsBlock(votes);
}

/** The store holds what the first blocks of the log come to, and nothing else. */
async function expectCounted(
  room: CountingRoom,
  store: { read(partition: number): Promise<PartitionCounts> },
  blocks: number = room.blocksOf(0).length,
): Promise<void> {
  const held = await store.read(0);
  expect(held.checkpoint.nextOffset).toBe(blocks);
  expect(CountingRoom.contents(held)).toEqual(room.expected(0, blocks));
}

test('read-then-DEL flush: what was read before a vote never takes the place of what holds it', async () => {
  const room = new CountingRoom();
  await using tally = await openTally();
  await using repairer = await openTally();
  await room.append([block(0)]);
  await countToEnd(room.tallyFollower({ store: tally }));
  const read = await repairer.read(0);
  await room.append([block(1)]);
  await countToEnd(room.tallyFollower({ store: tally }));
  const stale = { ...read, closes: [], acts: [] };
  expect(await repairer.replace(0, read.checkpoint.nextOffset, stale)).toBe(false);
  await expectCounted(room, tally);

  // Reading and writing back, against votes that come in, for as long as those do.
  let isVoting = true;
  let replaced = 0;
  const flush = async (): Promise<void> => {
    while (isVoting) {
      const { checkpoint, counts, books } = await repairer.read(0);
      const content = { checkpoint, counts, books, closes: [], acts: [] };
      if (await repairer.replace(0, checkpoint.nextOffset, content)) replaced += 1;
    }
  };
  const vote = async (): Promise<void> => {
    try {
      for (let number = 2; number < 40 || replaced === 0; number += 1) {
        await room.append([block(number)]);
        await countToEnd(room.tallyFollower({ store: tally })).catch(unlessFenced);
      }
    } finally {
      isVoting = false;
    }
  };
  await Promise.all([flush(), vote()]);
  await countToEnd(room.tallyFollower({ store: tally }));
  await expectCounted(room, tally);
});

/** Who is fenced begins anew: no failure of a test that takes partitions over and over. */
function unlessFenced(error: unknown): void {
  if (!(error instanceof ApuraError) || error.code !== 'fenced') throw error;
}

const keysHeld = (): string[] => partitionKeys(keyPrefix, LOG_ID, 0);
/** All that Redis holds of the partition, but for whose it is. */
const held = async (): Promise<readonly unknown[]> => {
  const [state = '', counts = '', books = ''] = keysHeld();
  const { epoch, ...position } = await admin.hgetall(state);
  expect(Number(epoch)).toBeGreaterThan(0);
  return [position, await admin.hgetall(counts), await admin.hgetall(books)];
};

test.each([
  ['counts', 1],
  ['books', 2],
])(
  'partial multi-INCR: a step that can not add to one of the %s adds to nothing',
  async (_, at) => {
    const room = new CountingRoom();
    await using tally = await openTally();
    const follower = room.tallyFollower({ store: tally });
    await room.append([block(0)]);
    await countToEnd(follower);
    const key = keysHeld()[at] ?? '';
    const field = (await admin.hkeys(key)).sort().at(-1) ?? '';
    const value = (await admin.hget(key, field)) ?? '';
    await admin.hset(key, field, 'no number');
    const before = await held();
    await room.append([block(1)]);
    await expect(countToEnd(follower)).rejects.toMatchObject({ code: 'store_corrupt' });
    expect(await held()).toEqual(before);
    await admin.hset(key, field, value);
    await countToEnd(follower);
    await expectCounted(room, tally);
  },
);

test('partial multi-INCR: a step of which half arrives adds to nothing', async () => {
  const room = new CountingRoom();
  await using proxy = await lossyProxy(redis.url);
  await using tally = await openTally(proxy.url.replace(/\/$/, ''));
  await using direct = await openTally();
  const follower = room.tallyFollower({ store: tally });
  await room.append([block(0)]);
  await countToEnd(follower);
  const before = await held();
  await room.append([block(1)]);
  const cut = proxy.stopBehind('bruno');
  await expect(countToEnd(follower)).rejects.toMatchObject({ code: 'store_unavailable' });
  await cut;
  expect(await held()).toEqual(before);
  await countToEnd(room.tallyFollower({ store: direct }));
  await expectCounted(room, direct);
});

/** A room whose log is counted into a store on a server; each step goes by the test. */
interface Counted<Step extends StepBase> {
  readonly room: CountingRoom;
  readonly store: {
    commit(step: Step): Promise<CommitOutcome>;
    read(partition: number): Promise<PartitionCounts>;
  };
  readonly follower: (commit: (step: Step) => Promise<CommitOutcome>) => PartitionFollower<Step>;
}

function countedIn(tally: LiveTally, room = new CountingRoom()): Counted<TallyStep> {
  const takeOver = (partition: number) => tally.takeOver(partition);
  const follower = (commit: (step: TallyStep) => Promise<CommitOutcome>) =>
    room.tallyFollower({ store: { takeOver, commit } });
  return { room, store: tally, follower };
}

function bookedIn(ledger: Ledger, room = new CountingRoom()): Counted<LedgerStep> {
  const takeOver = (partition: number) => ledger.takeOver(partition);
  const follower = (commit: (step: LedgerStep) => Promise<CommitOutcome>) =>
    room.ledgerFollower({ store: { takeOver, commit } });
  return { room, store: ledger, follower };
}

/** `lose`: the reply to the next step is lost, and the step is not. */
async function expectNothingSkipped<Step extends StepBase>(
  { room, store, follower: begin }: Counted<Step>,
  lose: () => Promise<void>,
): Promise<void> {
  const sent: Step[] = [];
  const follower = begin((step) => {
    sent.push(step);
    return store.commit(step);
  });
  await room.append([block(0)]);
  await countToEnd(follower);
  await room.append([block(1)]);
  const lost = lose();
  await expect(countToEnd(follower)).rejects.toMatchObject({ code: 'store_unavailable' });
  await lost;
  const unanswered = sent.at(-1);
  if (unanswered === undefined) throw new Error('No step was sent.');
  await waitUntil('the store answers again', () => store.read(0));
  await expectCounted(room, store);

  // Who took the silence for a no would send the same votes again, together with what came since.
  await room.append([block(2), block(3)]);
  const checkpoint = { ...unanswered.checkpoint, nextOffset: 4 };
  expect(await store.commit({ ...unanswered, checkpoint })).toBe('misaligned');
  expect(await store.commit(unanswered)).toBe('already-applied');
  await expectCounted(room, store, 2);
  await countToEnd(follower);
  await expectCounted(room, store);
}

test('a lost commit reply re-batched and skipped: Redis is asked where it stands, and every vote counts once', async () => {
  await using proxy = await lossyProxy(redis.url);
  await using tally = await openTally(proxy.url.replace(/\/$/, ''));
  await expectNothingSkipped(countedIn(tally), () => proxy.loseReplyTo('final'));
});

test('a lost commit reply re-batched and skipped: Postgres is asked where it stands, and every vote counts once', async () => {
  const room = new CountingRoom();
  await using proxy = await lossyProxy(ledgerUrl);
  await using ledger = await openLedger(proxy.url);
  await expectNothingSkipped(bookedIn(ledger, room), () => proxy.loseReplyTo('commit_step('));
  expect(CountingRoom.contents(await ledger.recount(0))).toEqual(room.expected());
});

async function expectRedeliveryHarmless<Step extends StepBase>({
  room,
  store,
  follower,
}: Counted<Step>): Promise<void> {
  const sent: Step[] = [];
  const begin = (): PartitionFollower<Step> =>
    follower((step) => {
      sent.push(step);
      return store.commit(step);
    });
  // The second is the first once more, as a door in doubt appends it.
  await room.append([block(0), block(0), block(1)]);
  const first = begin();
  await countToEnd(first);
  await expectCounted(room, store);
  // To others, who read from the start again.
  const [second, third] = [begin(), begin()];
  await countToEnd(second);
  await countToEnd(third);
  await expectCounted(room, store);
  await room.append([block(0), block(2)]);
  await expect(countToEnd(second)).rejects.toMatchObject({ code: 'fenced' });
  await expect(countToEnd(first)).rejects.toMatchObject({ code: 'fenced' });
  await countToEnd(third);
  await expectCounted(room, store);
  // To its own worker, alone or with all that came before it.
  const newest = sent.at(-1);
  if (newest === undefined) throw new Error('No step was sent.');
  expect(await store.commit(newest)).toBe('already-applied');
  expect(await store.commit({ ...newest, from: 0 })).toBe('already-applied');
  await expectCounted(room, store);
}

test('consumer redelivery counted twice: a block that comes again, to its worker or to another, changes nothing in Redis', async () => {
  await using tally = await openTally();
  await expectRedeliveryHarmless(countedIn(tally));
});

test('consumer redelivery counted twice: a block that comes again, to its worker or to another, changes nothing in Postgres', async () => {
  const room = new CountingRoom();
  await using ledger = await openLedger();
  await expectRedeliveryHarmless(bookedIn(ledger, room));
  expect(CountingRoom.contents(await ledger.recount(0))).toEqual(room.expected());
});

test('an offset committed past a failed record: while Postgres takes no vote the ledger stays where it is, then takes them all', async () => {
  const room = new CountingRoom();
  await using ledger = await openLedger();
  const inSchema = (sql: string) =>
    postgres.execute(`SET search_path = ${new URL(ledgerUrl).searchParams.get('schema')}; ${sql}`);
  const follower = room.ledgerFollower({ store: ledger });
  await room.append([block(0)]);
  await countToEnd(follower);
  await inSchema(`
    CREATE FUNCTION fail_vote() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'no room'; END $$;
    CREATE TRIGGER failing BEFORE INSERT ON vote FOR EACH ROW WHEN (NEW."offset" = 1)
      EXECUTE FUNCTION fail_vote()`);
  await room.append([block(1), block(2)]);
  for (const stepBytes of [1, 1 << 20, 1]) {
    await expect(follower.advance(stepBytes)).rejects.toThrow('no room');
    await expectCounted(room, ledger, 1);
    expect(CountingRoom.contents(await ledger.recount(0))).toEqual(room.expected(0, 1));
  }
  await inSchema('DROP TRIGGER failing ON vote');
  await countToEnd(follower);
  await expectCounted(room, ledger);
  expect(CountingRoom.contents(await ledger.recount(0))).toEqual(room.expected());
});

test('swallowed broker error answered 2xx: while Kafka is gone every vote is told so, and sent again it counts once', async () => {
  const url = `kafka://${kafka.brokers}/flaws`;
  await using log = await openKafkaLog({ url, logId: crypto.randomUUID(), partitions: 2 });
  await using door = new DoorUnderTest({ acceptanceBoundMs: 5_000 }, log);
  const keys = Array.from({ length: 20 }, () => voteKey());
  const send = () => Promise.all(keys.map((key) => door.client.vote(POLL, 'ana', key)));
  const [node] = kafka.nodes;
  expect((await door.client.vote(POLL, 'bruno')).status).toBe(202);
  // Some are under way while it dies.
  const dying = send();
  await node?.kill();
  const refusals = ['log_unavailable', 'outcome_unknown'];
  for (const { status, json } of await dying) {
    if (status !== 202)
      expect([503, refusals]).toEqual([status, expect.arrayContaining([json.code])]);
  }
  for (const { status, json } of await send()) {
    expect(status).toBe(503);
    expect(refusals).toContain(String(json.code));
  }
  await node?.start();
  await waitUntil('every vote is acknowledged', async () =>
    (await send()).every(({ status }) => status === 202),
  );
  expect((await door.count()).votes).toEqual({ ana: keys.length, bruno: 1 });
  expect(door.failures).toEqual([]);
});

/** What a client has sent to Redis, or a script has called there. */
interface Command {
  readonly name: string;
  readonly args: readonly string[];
  readonly isOfScript: boolean;
}

/** Watches everything that Redis is told, by MONITOR. */
async function watchRedis(): Promise<Disposable & { readonly commands: readonly Command[] }> {
  const commands: Command[] = [];
  const client = new Redis(redis.url);
  const monitor = await client.monitor();
  client.disconnect();
  monitor.on('monitor', (_: string, [name = '', ...args]: string[], source: string) => {
    commands.push({ name: name.toLowerCase(), args, isOfScript: source === 'lua' });
  });
  return { commands, [Symbol.dispose]: () => monitor.disconnect() };
}

describe('with all roles at work', () => {
  const TOKEN = 'operator-of-known-flaws';
  const VOTES = 60;
  const PARTITIONS = 2;
  /** Commands that touch one name, or none: whatever else is stored, they cost the same. */
  const OF_ONE_NAME = ['get', 'set', 'hget', 'hmget', 'hset', 'sadd', 'rpush', 'type', 'publish'];
  const OF_NO_NAME = [
    'time',
    'info',
    'hello',
    'client',
    'select',
    'ping',
    'config',
    'evalsha',
    'eval',
  ];
  /** Whole keys of one partition, by the scripts alone. */
  const OF_A_PARTITION = ['hgetall', 'lrange', 'del'];
  let env: Parameters<typeof configOf>[0];
  let schema: string;
  let seen: readonly Command[];

  async function start(role: Role) {
    const config = configOf(env);
    const stop = new AbortController();
    const running = await startRole(role, config, createLogger('silent', role), stop.signal);
    return {
      client: new ApiClient(() => ({ url: running.url, token: TOKEN })),
      async [Symbol.asyncDispose]() {
        stop.abort();
        await running.stop();
      },
    };
  }

  /** Everything that a poll's readers and operators ask for. */
  const READS = [
    '/v1/polls',
    '/v1/polls/final',
    '/v1/polls/final/results',
    '/v1/polls/final/results/hourly',
    '/v1/polls/final/results/timeseries?step=1m',
    '/v1/polls/final/report',
    '/v1/polls/final/report?format=csv',
  ];

  async function readAll(client: ApiClient, paths: readonly string[] = READS): Promise<void> {
    for (const path of paths) {
      const { status, text } = await client.operate(path);
      expect([path, status, text.slice(0, 200)]).toEqual([path, 200, expect.any(String)]);
    }
  }

  beforeAll(async () => {
    const url = postgres.newUrl();
    schema = new URL(url).searchParams.get('schema') ?? '';
    env = {
      APURA_LOG: `kafka://${kafka.brokers}/roles`,
      APURA_TALLY: `${redis.url}?prefix=roles`,
      APURA_LEDGER: url,
      APURA_PARTITIONS: String(PARTITIONS),
      APURA_SECRET: 'ab'.repeat(32),
      APURA_ADMIN_TOKEN: TOKEN,
      APURA_HTTP_PORT: '0',
      APURA_GRPC_PORT: '0',
    };
    using watch = await watchRedis();
    await using query = await start('query');
    await using ingest = await start('ingest');
    await using _tally = await start('tally');
    await using _ledger = await start('ledger');
    await using _sync = await start('sync');
    const fields = { resultsVisibility: 'always', resultsDetail: 'count' };
    await query.client.openPoll('final', fields);
    const keys = Array.from({ length: VOTES }, () => voteKey());
    /** As a page does it: until the vote is acknowledged. */
    const send = (key: string) =>
      waitUntil('a vote is acknowledged', async () => {
        return (await ingest.client.vote('final', 'a', key)).status === 202;
      });
    await Promise.all(keys.map(send));
    await waitUntil('the votes are counted', async () => {
      return (await query.client.counts('final')).total === VOTES;
    });
    await Promise.all(keys.map((key) => query.client.receiptBecomes('final', key, 'counted')));
    await readAll(query.client, [...READS, '/v1/consistency', '/metrics', '/readyz']);
    expect(await query.client.exportOf('final', 'votes')).toHaveLength(VOTES);
    // A count that somebody has edited, for sync to find and repair.
    const logId = await admin.get('roles:apura:log');
    const [, counts = ''] = partitionKeys('roles:apura', logId ?? '', 0);
    const [field = '', votes = ''] = Object.entries(await admin.hgetall(counts))[0] ?? [];
    await admin.hset(counts, field, String(Number(votes) + 7));
    await waitUntil('sync has repaired the tally', async () => {
      return (await admin.hget(counts, field)) === votes;
    });
    seen = [...watch.commands];
  }, START_TIMEOUT_MS);

  test('`KEYS` in a read path: nothing that any role sends to Redis walks its names', () => {
    const known = [...OF_ONE_NAME, ...OF_NO_NAME, ...OF_A_PARTITION, 'subscribe', 'monitor'];
    const strange = seen.filter(({ name }) => !known.includes(name));
    expect([...new Set(strange.map(({ name }) => name))]).toEqual([]);
    const whole = seen.filter(({ name }) => OF_A_PARTITION.includes(name));
    expect(whole.length).toBeGreaterThan(0);
    const ours = /^\{roles:apura:[0-9a-f]+:[01]\}:(state|counts|books|closes|acts|met)$/;
    const keysOf = ({ name, args }: Command) => (name === 'del' ? args : args.slice(0, 1));
    // The test's own reading is not of a script.
    const ofRoles = whole.filter(({ isOfScript }) => isOfScript);
    expect(ofRoles.flatMap(keysOf).filter((key) => !ours.test(key))).toEqual([]);
    expect(whole.filter(({ isOfScript }) => !isOfScript)).toHaveLength(1);
    expect(ofRoles.map(({ name }) => name)).toContain('del');
  });

  test('a cold cache rebuild race: however many ask a query role that has just begun, each partition is read once', async () => {
    using watch = await watchRedis();
    await using query = await start('query');
    const ask = () =>
      Promise.all(Array.from({ length: 300 }, () => query.client.ask('/v1/polls/final/results')));
    for (const { status, json } of await ask()) {
      expect(status).toBe(200);
      // Either not read yet, and said so, or all of it: never a part.
      expect<unknown[]>([
        [0, true],
        [VOTES, false],
      ]).toContainEqual([json.total, json.stale]);
    }
    await waitUntil('the counts are fresh', async () => {
      return (await query.client.counts('final')).stale === false;
    });
    for (const { json } of await ask()) expect([json.total, json.stale]).toEqual([VOTES, false]);
    const reads = watch.commands.filter(
      ({ name, args }) => name === 'hgetall' && args[0]?.endsWith(':counts') === true,
    );
    expect(reads).toHaveLength(PARTITIONS);
  });

  test('report by GROUP BY over all raw votes: reports and results are drawn up while nobody can read a vote', async () => {
    await using query = await start('query');
    await waitUntil('the counts are fresh', async () => {
      return (await query.client.counts('final')).stale === false;
    });
    const holder = new Client({ connectionString: postgres.server.url });
    await holder.connect();
    try {
      await holder.query(`SET search_path = ${schema}; BEGIN`);
      await holder.query('LOCK TABLE vote, excluded IN ACCESS EXCLUSIVE MODE');
      const read = `SET search_path = ${schema}; SET lock_timeout = '100ms'; SELECT FROM vote`;
      await expect(postgres.execute(read)).rejects.toMatchObject({ code: '55P03' });
      await readAll(query.client);
      const { json } = await query.client.operate('/v1/polls/final/report');
      expect(json).toMatchObject({ total: VOTES, books: { counted: VOTES, balanced: true } });
    } finally {
      await holder.end();
    }
  });
});
