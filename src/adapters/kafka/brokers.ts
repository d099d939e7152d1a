/** The connections to a cluster's brokers: made when asked for, found again when they break, all bounded. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import {
  AuthenticationError,
  apiVersionsV3,
  Connection,
  type ConnectionOptions,
  metadataV12,
  ProtocolError,
  ResponseError,
} from '@platformatic/kafka';
import { ApuraError } from '../../domain/errors.ts';
import type { BrokerAddress, KafkaSettings } from './kafka-url.ts';

/** A connection is made, with TLS and SASL, or the broker is as good as gone. */
const CONNECT_TIMEOUT_MS = 2_000;
/** The longest wait that any request asks the broker for, and a network's delay on top of it. */
const REQUEST_TIMEOUT_MS = 5_000;
/** Of requests under way on one connection; callers keep further below it. */
const IN_FLIGHT_MAX = 256;
const CLIENT_ID = 'apura';

export type TopicMetadata = Awaited<ReturnType<typeof metadataV12.api.async>>['topics'][number];

export interface Cluster {
  readonly brokers: ReadonlyMap<number, BrokerAddress>;
  readonly topics: readonly TopicMetadata[];
}

/** Nothing was sent: no broker to send to, or no connection to it. */
export class NotSentError extends Error {
  /** Whether the broker answered, and refused the credentials. */
  readonly refused: boolean;

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'NotSentError';
    this.refused = isAuth(cause);
  }
}

export class Brokers implements AsyncDisposable {
  readonly #bootstrap: readonly BrokerAddress[];
  readonly #options: ConnectionOptions;
  readonly #connections = new Map<string, Promise<Connection>>();
  readonly #produceVersions = new WeakMap<Connection, number>();
  #known: ReadonlyMap<number, BrokerAddress> = new Map();
  #closed = false;

  /**
   * @param requestTimeoutMs longer where a request waits for others, as joining a group does.
   * @throws ApuraError `invalid_config`: a PEM file can not be read.
   */
  constructor(settings: KafkaSettings, requestTimeoutMs: number = REQUEST_TIMEOUT_MS) {
    this.#bootstrap = settings.brokers;
    this.#options = {
      connectTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: requestTimeoutMs,
      maxInflights: IN_FLIGHT_MAX,
      ...(settings.sasl === null ? {} : { sasl: { ...settings.sasl } }),
      ...(settings.tls === null ? {} : { tls: pemFiles(settings.tls) }),
    };
  }

  /**
   * The brokers and these topics, as the first broker that answers sees them. Never creates a topic.
   *
   * @throws NotSentError when no broker answers.
   */
  async cluster(topics: readonly string[]): Promise<Cluster> {
    let failure: unknown;
    for (const address of this.#addresses()) {
      try {
        const connection = await this.#connect(address, 'cluster');
        const answer = await withErrors(
          metadataV12.api.async(connection, [...topics], false, false),
        );
        this.#known = new Map(
          answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]),
        );
        return { brokers: this.#known, topics: answer.topics };
      } catch (error) {
        failure = error;
        if (error instanceof NotSentError && error.refused) throw error;
      }
    }
    const reached = this.#bootstrap.map(({ host, port }) => `${host}:${port}`).join(', ');
    throw new NotSentError(`No Kafka broker answers at ${reached}: ${rootWords(failure)}`, failure);
  }

  /**
   * @param purpose requests of one connection are answered one behind the other, so that what waits
   *   needs one of its own.
   * @throws NotSentError when there is none and none can be made.
   */
  async connection(node: number, purpose: string): Promise<Connection> {
    const address = this.#known.get(node);
    if (address === undefined) throw new NotSentError(`The Kafka broker ${node} is not known`);
    return this.#connect(address, purpose);
  }

  /** A connection to whichever broker answers, for requests that any of them takes. */
  async anyConnection(): Promise<Connection> {
    await this.cluster([]);
    for (const address of this.#addresses()) {
      try {
        return await this.#connect(address, 'cluster');
      } catch {}
    }
    throw new NotSentError('No Kafka broker answers');
  }

  /** The newest version of Produce that the broker takes; asked once a connection. */
  async produceVersion(connection: Connection): Promise<number> {
    const known = this.#produceVersions.get(connection);
    if (known !== undefined) return known;
    try {
      const { apiKeys } = await apiVersionsV3.api.async(connection, CLIENT_ID, '0');
      const version = apiKeys.find(({ apiKey }) => apiKey === 0)?.maxVersion ?? 0;
      this.#produceVersions.set(connection, version);
      return version;
    } catch (error) {
      throw new NotSentError('The Kafka broker does not say what it understands', error);
    }
  }

  /** Cuts every connection; what is under way fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const connections = [...this.#connections.values()];
    this.#connections.clear();
    for (const connection of connections) {
      await connection.then((open) => open.close()).catch(() => {});
    }
  }

  #addresses(): readonly BrokerAddress[] {
    const addresses = [...this.#known.values(), ...this.#bootstrap];
    const seen = new Set<string>();
    return addresses.filter(({ host, port }) => {
      const fresh = !seen.has(`${host}:${port}`);
      seen.add(`${host}:${port}`);
      return fresh;
    });
  }

  async #connect({ host, port }: BrokerAddress, purpose: string): Promise<Connection> {
    if (this.#closed) throw new NotSentError('The connections to Kafka are closed');
    const key = `${host}:${port} ${purpose}`;
    const known = this.#connections.get(key);
    if (known !== undefined) {
      const open = await known.catch(() => null);
      if (open?.isConnected() === true) return open;
      if (this.#connections.get(key) === known) this.#connections.delete(key);
      if (open === null) throw new NotSentError(`No connection to Kafka at ${host}:${port}`);
      return this.#connect({ host, port }, purpose);
    }
    // A certificate is asked for by name; an address is no name, and the TLS library refuses it.
    const tlsServerName = isIP(host) === 0;
    const connection = new Connection(CLIENT_ID, { ...this.#options, tlsServerName });
    // What breaks is seen by whoever sends next; without a listener it would end the process.
    connection.on('error', () => {});
    const connecting = (async () => {
      await connection.connect(host, port);
      return connection;
    })();
    this.#connections.set(key, connecting);
    try {
      return await connecting;
    } catch (error) {
      if (this.#connections.get(key) === connecting) this.#connections.delete(key);
      connection.socket?.destroy();
      throw new NotSentError(`No connection to Kafka at ${host}:${port}`, error);
    }
  }
}

/** The answer with the errors that are in it, where the library throws it as an error. */
export async function withErrors<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ResponseError && 'response' in error) return error.response as Answer;
    throw error;
  }
}

/** A protocol error's name and number, for people. */
export function kafkaError(code: number): string {
  try {
    return `${String(new ProtocolError(code).apiId)} (${code})`;
  } catch {
    return `error ${code}`;
  }
}

/** What the socket, TLS or the broker said first, below what the library wrapped around it. */
function rootWords(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return root instanceof Error ? root.message : 'it is not known why';
}

/** The library wraps what the socket said, one or more times. */
function isAuth(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof AuthenticationError) return true;
  }
  return false;
}

function pemFiles(files: NonNullable<KafkaSettings['tls']>): NonNullable<ConnectionOptions['tls']> {
  const read = (name: keyof typeof files): { readonly [name: string]: Buffer } => {
    const path = files[name];
    if (path === null) return {};
    try {
      return { [name]: readFileSync(path) };
    } catch (cause) {
      const words = `The file ${path}, the Kafka URL's ${name}, can not be read`;
      throw new ApuraError('invalid_config', words, { cause });
    }
  };
  const pem = { ...read('ca'), ...read('cert'), ...read('key') };
  try {
    createSecureContext(pem);
  } catch (cause) {
    const words = 'The Kafka URL’s ca, cert or key holds no PEM that belongs together';
    throw new ApuraError('invalid_config', words, { cause });
  }
  return pem;
}
