/** Reaches Cassandra the one way that Apura trusts: by prepared, idempotent statements, confirmed by a quorum, in bounded time. */
import { readFileSync } from 'node:fs';
import {
  auth,
  Client,
  errors,
  type Host,
  policies,
  type QueryOptions,
  types,
} from 'cassandra-driver';
import { ApuraError } from '../../domain/errors.ts';
import type { CassandraAddress } from './cassandra-address.ts';

export type Value = string | number | bigint | Buffer;
export type Row = Readonly<Record<string, unknown>>;

export interface Statement {
  readonly query: string;
  readonly values: readonly Value[];
}

const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** A change of the schema waits for every node. */
const SCHEMA_TIMEOUT_MS = 60_000;
/** From a host that is gone to the next try; the driver's own grows to ten minutes. */
const RECONNECT_MS = 1_000;
const HEARTBEAT_MS = 10_000;
/** Requests of one connection that may time out before it counts as dead. */
const TIMEOUTS_MAX = 16;
const CONSISTENCY = types.consistencies.localQuorum;

/** Asks one other host where one does not answer, so that a request takes twice the timeout at most. */
class OneOtherHost extends policies.retry.RetryPolicy {
  override onRequestError(
    ...[info, consistency, error]: Parameters<policies.retry.RetryPolicy['onRequestError']>
  ): policies.retry.DecisionInfo {
    if (info.nbRetry > 0) return this.rethrowResult();
    return super.onRequestError(info, consistency, error);
  }
}

export class CassandraSession implements AsyncDisposable {
  readonly #client: Client;
  readonly #dataCentre: string;

  private constructor(client: Client, dataCentre: string) {
    this.#client = client;
    this.#dataCentre = dataCentre;
  }

  /**
   * @throws ApuraError `invalid_config`: a file of TLS can not be read, or no node is in the data centre.
   * @throws ApuraError `store_unavailable`: nobody answers at the address, or lets us in.
   */
  static async open(
    address: CassandraAddress,
    requestTimeoutMs: number = REQUEST_TIMEOUT_MS,
  ): Promise<CassandraSession> {
    const { hosts, port, dataCentre, login, tls } = address;
    const client = new Client({
      contactPoints: hosts.map((host) =>
        host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
      ),
      localDataCenter: dataCentre,
      protocolOptions: { port },
      encoding: { useBigIntAsLong: true },
      monitorReporting: { enabled: false },
      pooling: { heartBeatInterval: HEARTBEAT_MS },
      socketOptions: {
        connectTimeout: Math.min(CONNECT_TIMEOUT_MS, requestTimeoutMs),
        readTimeout: requestTimeoutMs,
        defunctReadTimeoutThreshold: TIMEOUTS_MAX,
      },
      policies: {
        retry: new OneOtherHost(),
        reconnection: new policies.reconnection.ConstantReconnectionPolicy(RECONNECT_MS),
      },
      queryOptions: { consistency: CONSISTENCY, isIdempotent: true, prepare: true },
      ...(login === null
        ? {}
        : { authProvider: new auth.PlainTextAuthProvider(login.username, login.password) }),
      ...(tls === null ? {} : { sslOptions: tlsOptions(tls) }),
    });
    try {
      await client.connect();
      return new CassandraSession(client, dataCentre);
    } catch (error) {
      await client.shutdown();
      throw asStoreError(error);
    }
  }

  /** Nodes of the data centre, up or not. */
  get nodes(): number {
    return this.#client.hosts.values().filter(this.#isLocal).length;
  }

  /** One statement, or several of one Cassandra partition, which the server then takes as one. */
  async write(statements: readonly Statement[]): Promise<void> {
    const [only, ...more] = statements;
    if (only === undefined) return;
    const batch = statements.map(({ query, values }) => ({ query, params: [...values] }));
    await this.#asking(() =>
      more.length === 0
        ? this.#client.execute(only.query, [...only.values])
        : this.#client.batch(batch, { logged: false }),
    );
  }

  /** The rows page by page, of at most `pageRowsMax`; none is empty. */
  async *read(statement: Statement, pageRowsMax: number): AsyncGenerator<readonly Row[]> {
    let pageState: string | null = null;
    do {
      const options: QueryOptions = {
        fetchSize: pageRowsMax,
        ...(pageState === null ? {} : { pageState }),
      };
      const page: types.ResultSet = await this.#asking(() =>
        this.#client.execute(statement.query, [...statement.values], options),
      );
      if (page.rows.length > 0) yield page.rows;
      pageState = page.pageState;
    } while (pageState !== null && pageState !== undefined);
  }

  /**
   * Changes the schema, by the same node for all who do so at the same time: two nodes would each make
   * a table of their own under the same name.
   */
  async change(query: string): Promise<void> {
    const [host] = this.#client.hosts
      .values()
      .filter((candidate) => candidate.isUp() && this.#isLocal(candidate))
      .sort((left, right) => (left.address < right.address ? -1 : 1));
    const options = { prepare: false, readTimeout: SCHEMA_TIMEOUT_MS };
    await this.#asking(() =>
      this.#client.execute(query, [], host === undefined ? options : { ...options, host }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.shutdown();
  }

  readonly #isLocal = ({ datacenter }: Host): boolean => datacenter === this.#dataCentre;

  async #asking<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw asStoreError(error);
    }
  }
}

/** The driver lets any certificate pass unless it is told. */
function tlsOptions(tls: NonNullable<CassandraAddress['tls']>) {
  const file = (name: 'ca' | 'cert' | 'key'): { readonly [name]?: Buffer } => {
    const path = tls[name];
    if (path === null) return {};
    try {
      return { [name]: readFileSync(path) };
    } catch (cause) {
      const words = `Cassandra's ${name} can not be read from ${path}.`;
      throw new ApuraError('invalid_config', words, { cause });
    }
  };
  return { rejectUnauthorized: true, ...file('ca'), ...file('cert'), ...file('key') };
}

/** What the server says of a request that can not be one, because a table of ours is not there or another. */
const { syntaxError, invalid } = types.responseErrorCodes;
const CORRUPT: ReadonlySet<number> = new Set([syntaxError, invalid]);

function asStoreError(error: unknown): unknown {
  if (error instanceof ApuraError) return error;
  const { cause, at } = firstCause(error);
  const what = cause instanceof Error ? firstLine(cause.message) : String(cause);
  const words = `Cassandra${at}: ${what}`;
  if (cause instanceof errors.ResponseError && CORRUPT.has(cause.code)) {
    return new ApuraError('store_corrupt', words, { cause });
  }
  if (cause instanceof errors.ArgumentError) {
    return new ApuraError('invalid_config', words, { cause });
  }
  const isOurs =
    !(cause instanceof errors.DriverError) &&
    (cause instanceof TypeError || cause instanceof RangeError);
  return isOurs ? cause : new ApuraError('store_unavailable', words, { cause });
}

/** What the first of several hosts has failed with, which the driver hides behind their number. */
function firstCause(error: unknown): { readonly cause: unknown; readonly at: string } {
  if (!(error instanceof errors.NoHostAvailableError)) return { cause: error, at: '' };
  const [first] = Object.entries<unknown>(error.innerErrors ?? {});
  return first === undefined
    ? { cause: error, at: '' }
    : { cause: first[1], at: ` at ${first[0]}` };
}

/** The driver puts whole stacks into its messages. */
function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? '';
}
