/** The archive's keyspace and tables: makes them where they are not, and refuses others of the same name. */
import { ApuraError } from '../../domain/errors.ts';
import type { CassandraAddress } from './cassandra-address.ts';
import type { CassandraSession } from './session.ts';

interface Table {
  readonly partitionKey: readonly string[];
  readonly clustering: readonly string[];
  /** Types by column. */
  readonly columns: Readonly<Record<string, string>>;
}

const PARTITIONED = { log: 'text', hour: 'int', log_partition: 'int', bucket: 'bigint' };

/**
 * `hours` and `buckets` say what there is of `chunks`, whose partitions are small and many: a bucket has
 * the events of one hour out of so many blocks of one partition of the log.
 */
const TABLES: Readonly<Record<string, Table>> = {
  chunks: {
    partitionKey: ['log', 'hour', 'log_partition', 'bucket'],
    clustering: ['log_offset', 'first_index'],
    columns: { ...PARTITIONED, log_offset: 'bigint', first_index: 'int', content: 'blob' },
  },
  buckets: {
    partitionKey: ['log', 'hour'],
    clustering: ['log_partition', 'bucket'],
    columns: PARTITIONED,
  },
  hours: {
    partitionKey: ['log'],
    clustering: ['hour'],
    columns: { log: 'text', hour: 'int' },
  },
  positions: {
    partitionKey: ['log', 'log_partition'],
    clustering: [],
    columns: { log: 'text', log_partition: 'int', next_offset: 'bigint' },
  },
};

/** Replicas of a new keyspace where nothing else is asked for, and the data centre has the nodes. */
const REPLICAS = 3;
const PAGE_ROWS_MAX = 1_000;

/**
 * @throws ApuraError `durability_refused`: the keyspace has fewer replicas than the address asks for,
 *   none in the data centre, or does without the commit log.
 * @throws ApuraError `store_corrupt`: tables of these names are there, and not ours.
 */
export async function prepareSchema(
  session: CassandraSession,
  address: CassandraAddress,
): Promise<void> {
  const { keyspace } = address;
  if ((await columnsThere(session, keyspace)).size < Object.keys(TABLES).length) {
    const replicas = address.replication ?? Math.min(REPLICAS, Math.max(session.nodes, 1));
    if (!(await hasKeyspace(session, keyspace))) {
      await session.change(
        `CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication =
         {'class': 'NetworkTopologyStrategy', '${address.dataCentre}': ${replicas}}`,
      );
    }
    for (const [name, table] of Object.entries(TABLES)) {
      await session.change(definition(`${keyspace}.${name}`, table));
    }
  }
  await checkKeyspace(session, address);
  const found = await columnsThere(session, keyspace);
  for (const [name, table] of Object.entries(TABLES)) {
    if (found.get(name) === columnsOf(table)) continue;
    throw new ApuraError(
      'store_corrupt',
      `The table ${keyspace}.${name} has ${found.get(name) ?? 'no columns'}; ours has ${columnsOf(table)}.`,
    );
  }
}

function definition(name: string, { partitionKey, clustering, columns }: Table): string {
  const types = Object.entries(columns).map(([column, type]) => `${column} ${type}`);
  const key = [`(${partitionKey.join(', ')})`, ...clustering].join(', ');
  return `CREATE TABLE IF NOT EXISTS ${name} (${types.join(', ')}, PRIMARY KEY (${key}))`;
}

/** As the server lists them, in one text. */
function columnsOf({ partitionKey, clustering, columns }: Table): string {
  const kindOf = (column: string): string => {
    if (partitionKey.includes(column)) return `partition_key ${partitionKey.indexOf(column)}`;
    if (clustering.includes(column)) return `clustering ${clustering.indexOf(column)}`;
    return 'regular -1';
  };
  return Object.entries(columns)
    .map(([column, type]) => `${column} ${type} ${kindOf(column)}`)
    .sort()
    .join(', ');
}

/** The columns of the tables of ours that are there. */
async function columnsThere(
  session: CassandraSession,
  keyspace: string,
): Promise<ReadonlyMap<string, string>> {
  const columns = new Map<string, string[]>();
  const query = 'SELECT * FROM system_schema.columns WHERE keyspace_name = ?';
  for await (const rows of session.read({ query, values: [keyspace] }, PAGE_ROWS_MAX)) {
    for (const row of rows) {
      const table = String(row.table_name);
      if (!Object.hasOwn(TABLES, table)) continue;
      const words = `${row.column_name} ${row.type} ${row.kind} ${row.position}`;
      columns.set(table, [...(columns.get(table) ?? []), words]);
    }
  }
  return new Map([...columns].map(([table, words]) => [table, words.sort().join(', ')]));
}

async function keyspaceRow(session: CassandraSession, keyspace: string) {
  const query =
    'SELECT durable_writes, replication FROM system_schema.keyspaces WHERE keyspace_name = ?';
  for await (const [row] of session.read({ query, values: [keyspace] }, 1)) return row;
  return undefined;
}

async function hasKeyspace(session: CassandraSession, keyspace: string): Promise<boolean> {
  return (await keyspaceRow(session, keyspace)) !== undefined;
}

async function checkKeyspace(session: CassandraSession, address: CassandraAddress): Promise<void> {
  const { keyspace, dataCentre, replication } = address;
  const row = await keyspaceRow(session, keyspace);
  const refuse = (why: string): never => {
    throw new ApuraError('durability_refused', `The keyspace ${keyspace} ${why}.`);
  };
  if (row?.durable_writes !== true) refuse('does without the commit log (durable_writes)');
  const settings = new Map(Object.entries(row?.replication ?? {}));
  const strategy = String(settings.get('class')).split('.').at(-1);
  const replicas = Number(
    settings.get(strategy === 'SimpleStrategy' ? 'replication_factor' : dataCentre) ?? 0,
  );
  if (replicas < Math.max(replication ?? 1, 1)) {
    refuse(`has ${replicas} replicas in ${dataCentre}, and is to have ${replication ?? 1}`);
  }
}
