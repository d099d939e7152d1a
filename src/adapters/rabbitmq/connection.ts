/** A connection to RabbitMQ that comes back by itself: what stands on it is told when it is lost. */
import { Duplex } from 'node:stream';
import {
  type Channel,
  type ChannelModel,
  type ConsumeMessage,
  connect,
  type Options,
  type SocketOptions,
} from 'amqplib';
import { ApuraError } from '../../domain/errors.ts';
import type { RabbitmqEndpoint, RabbitmqSettings } from './rabbitmq-url.ts';

/** Two of these without a word from the other side, and the connection counts as lost. */
const HEARTBEAT_SECONDS = 5;
const CONNECT_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 1_000;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 2_000;
/** More than most frames of a block, less than would keep a heartbeat waiting. */
const FRAME_BYTES_MAX = 131_072;

export class RabbitmqConnection implements AsyncDisposable {
  readonly #settings: RabbitmqSettings;
  readonly #listeners = new Set<() => void>();
  #model: ChannelModel | null = null;
  #blocked: string | null = null;
  #closed = false;
  #endpoint = 0;
  #retry: Timer | undefined;
  #trouble = 'not connected yet';

  private constructor(settings: RabbitmqSettings) {
    this.#settings = settings;
  }

  /**
   * Connects to the first node that answers, and from then on keeps connected.
   *
   * @throws ApuraError `log_unavailable`: none of the nodes lets us in.
   */
  static async open(settings: RabbitmqSettings): Promise<RabbitmqConnection> {
    const connection = new RabbitmqConnection(settings);
    for (const _ of settings.endpoints) {
      await connection.#connect();
      if (connection.#model !== null) return connection;
    }
    throw connection.unavailable();
  }

  get isUp(): boolean {
    return this.#model !== null;
  }

  /** Why RabbitMQ takes no messages for now (an alarm), or null. */
  get blocked(): string | null {
    return this.#blocked;
  }

  /** Calls back whenever it is lost, there again, blocked or unblocked. */
  subscribe(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** @throws ApuraError `log_unavailable`: not connected. */
  model(): ChannelModel {
    if (this.#model === null) throw this.unavailable();
    return this.#model;
  }

  /**
   * A channel whose end is silent but for its `close` event: who uses it sees every failure.
   *
   * @throws ApuraError `log_unavailable`
   */
  async openChannel(): Promise<Channel> {
    try {
      return silent(await this.model().createChannel());
    } catch (cause) {
      throw this.unavailable(cause);
    }
  }

  unavailable(cause?: unknown): ApuraError {
    if (cause instanceof ApuraError) return cause;
    const why = cause === undefined ? this.#trouble : messageOf(cause);
    return new ApuraError('log_unavailable', `RabbitMQ: ${why}`, { cause });
  }

  /** Gives the connection at hand up for a new one, to the next node where there are several. */
  reset(why: string): void {
    const model = this.#model;
    if (model === null) return;
    this.#lose(model, why);
    destroy(model, why);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    const model = this.#model;
    this.#model = null;
    this.#trouble = 'this handle is closed';
    this.#tell();
    if (model === null) return;
    // A connection that hangs is cut: its other end finds out by itself.
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    model.once('close', () => resolve());
    const closing = model.close().catch(() => {});
    await Promise.race([closing, promise]);
    clearTimeout(timer);
    destroy(model, this.#trouble);
  }

  async #connect(): Promise<void> {
    const { endpoints } = this.#settings;
    const endpoint = endpoints[this.#endpoint % endpoints.length] as RabbitmqEndpoint;
    this.#endpoint += 1;
    try {
      const model = await connect(
        optionsFor(this.#settings, endpoint),
        socketOptions(this.#settings),
      );
      this.#adopt(model);
    } catch (cause) {
      this.#trouble = `${endpoint.host}:${endpoint.port}: ${messageOf(cause)}`;
    }
  }

  #adopt(model: ChannelModel): void {
    if (this.#closed) {
      destroy(model, this.#trouble);
      return;
    }
    // Its `close` event says the same, and comes in every case.
    model.on('error', () => {});
    model.on('close', (error?: Error) => {
      const why = messageOf(error ?? 'the connection was closed');
      this.#lose(model, why);
      destroy(model, why);
    });
    model.on('blocked', (reason: string) => {
      this.#blocked = reason;
      this.#tell();
    });
    model.on('unblocked', () => {
      this.#blocked = null;
      this.#tell();
    });
    this.#model = model;
    this.#tell();
  }

  #lose(model: ChannelModel, why: string): void {
    if (this.#model !== model) return;
    this.#model = null;
    this.#blocked = null;
    this.#trouble = why;
    this.#tell();
    this.#reconnect(RETRY_MS_MIN);
  }

  #reconnect(waitMs: number): void {
    if (this.#closed) return;
    this.#retry = setTimeout(async () => {
      await this.#connect();
      if (this.#model === null) this.#reconnect(Math.min(2 * waitMs, RETRY_MS_MAX));
    }, waitMs);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Takes the `error` event, without which a channel's failure would end the process. */
export function silent<C extends Channel>(channel: C): C {
  channel.on('error', () => {});
  return channel;
}

/**
 * Consumes a stream from an offset on. RabbitMQ may send blocks to a second consumer of a channel before
 * it has said that there is one, and amqplib ends the channel over blocks for a consumer that it does
 * not know yet: so it is told first.
 */
export async function consumeStream(
  channel: Channel,
  queue: string,
  from: 'first' | 'last' | 'next' | number,
  take: (message: ConsumeMessage | null) => void,
): Promise<string> {
  const consumerTag = crypto.randomUUID();
  if ('registerConsumer' in channel && typeof channel.registerConsumer === 'function') {
    channel.registerConsumer(consumerTag, take);
  }
  await channel.consume(queue, take, { consumerTag, arguments: { 'x-stream-offset': from } });
  return consumerTag;
}

/** Closes a channel that may be gone already. */
export async function closeChannel(channel: Channel): Promise<void> {
  try {
    await channel.close();
  } catch {
    // It was closed by its failure, or with its connection.
  }
}

/** The AMQP reply code of a refusal (404, 405, 406), or null. */
export function replyCode(error: unknown): number | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'number'
    ? error.code
    : null;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function optionsFor(settings: RabbitmqSettings, endpoint: RabbitmqEndpoint): Options.Connect {
  return {
    hostname: endpoint.host,
    port: endpoint.port,
    protocol: settings.tls === null ? 'amqp' : 'amqps',
    username: settings.user,
    password: settings.password,
    vhost: encodeURIComponent(settings.vhost),
    heartbeat: HEARTBEAT_SECONDS,
    frameMax: FRAME_BYTES_MAX,
  };
}

function socketOptions({ tls }: RabbitmqSettings): SocketOptions {
  return {
    noDelay: true,
    timeout: CONNECT_TIMEOUT_MS,
    clientProperties: { connection_name: 'apura' },
    ...(tls?.ca == null ? {} : { ca: tls.ca }),
    ...(tls?.cert == null ? {} : { cert: tls.cert }),
    ...(tls?.key == null ? {} : { key: tls.key }),
  };
}

/**
 * Closes the socket for good. amqplib only ends that of a lost connection, which waits for the other
 * side, and it must be told why: of a socket that is closed without an error it takes no notice.
 */
function destroy({ connection }: ChannelModel, why: string): void {
  if (!('stream' in connection)) return;
  const { stream } = connection;
  if (stream instanceof Duplex) stream.destroy(new Error(why));
}
