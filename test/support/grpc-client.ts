/** A client of the gRPC port made by libraries that nobody here wrote, from the contract's files. */
import { join } from 'node:path';
import {
  type ChannelCredentials,
  type ClientDuplexStream,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { waitUntil } from './wait-until.ts';

const ROOT = join(import.meta.dir, '../..');
const LOADED = loadSync(
  ['pulse_service', 'usage_service'].map((name) => `apura/metering/v1/${name}.proto`),
  { includeDirs: [join(ROOT, 'proto')], longs: String, enums: String, defaults: true },
);

export interface ClientPulse {
  readonly id: string;
  readonly source: string;
  readonly tenant?: string;
  readonly productSku: string;
  readonly usedAmount: string;
  readonly useUnity: string;
  readonly occurredAt: { readonly seconds: string | number; readonly nanos: number };
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface ClientResult {
  readonly status: string;
  readonly code: string;
  readonly message: string;
}

export interface ClientAnswer {
  readonly results: readonly ClientResult[];
}

export interface StreamAnswer extends ClientAnswer {
  readonly sequence: string;
}

type Unary = (
  request: object,
  metadata: Metadata,
  options: object,
  done: (error: ServiceError | null, answer: never) => void,
) => void;

interface Stub {
  readonly ingest: Unary;
  readonly putUsage: Unary;
  ingestStream(metadata: Metadata): ClientDuplexStream<object, StreamAnswer>;
  close(): void;
}

export interface IngestOptions extends CallOptions {
  readonly allowBackfill?: boolean;
}

export interface CallOptions {
  readonly token?: string;
  readonly deadlineMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export class GrpcClient implements Disposable {
  readonly #pulses: Stub;
  readonly #usage: Stub;

  constructor(
    port: number,
    channel: ChannelCredentials = credentials.createInsecure(),
    options: Readonly<Record<string, string | number>> = {},
  ) {
    const contract = loadPackageDefinition(LOADED) as never as {
      apura: { metering: { v1: Record<string, new (...args: unknown[]) => Stub> } };
    };
    const { PulseService, UsageService } = contract.apura.metering.v1;
    if (PulseService === undefined || UsageService === undefined) throw new Error('No contract.');
    const all = { 'grpc.use_local_subchannel_pool': 1, ...options };
    this.#pulses = new PulseService(`127.0.0.1:${port}`, channel, all);
    this.#usage = new UsageService(`127.0.0.1:${port}`, channel, all);
  }

  /** Rejects with the ServiceError where the status is not OK. */
  ingest(pulses: readonly ClientPulse[], options: IngestOptions = {}) {
    const { allowBackfill = false } = options;
    return unary<ClientAnswer>(
      this.#pulses.ingest,
      this.#pulses,
      { pulses, allowBackfill },
      options,
    );
  }

  /**
   * As `ingest`, as those do who lose no pulse: again, with the same ids, while the door says that it can not
   * take them just now or does not answer in time. `tries` are all of them.
   */
  async ingestUntilAnswered(
    pulses: readonly ClientPulse[],
    options: IngestOptions = {},
  ): Promise<ClientAnswer & { readonly tries: number }> {
    let tries = 0;
    const answer = await waitUntil('the pulses are answered', () => {
      tries += 1;
      return this.ingest(pulses, options).catch((error: ServiceError) => {
        const { code } = error;
        if (code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED) return null;
        throw error;
      });
    });
    return { ...answer, tries };
  }

  putUsage(records: readonly object[], options: CallOptions = {}) {
    return unary<object>(this.#usage.putUsage, this.#usage, { records }, options);
  }

  stream(options: CallOptions = {}): ClientDuplexStream<object, StreamAnswer> {
    return this.#pulses.ingestStream(metadataOf(options));
  }

  [Symbol.dispose](): void {
    this.#pulses.close();
    this.#usage.close();
  }
}

export function clientPulse(id: string, fields: Partial<ClientPulse> = {}): ClientPulse {
  return {
    id,
    ...{ source: 'gateway-1', productSku: 'api.calls', usedAmount: '12.50', useUnity: 'call' },
    occurredAt: { seconds: Math.floor(Date.now() / 1000) - 1, nanos: 0 },
    ...fields,
  };
}

function metadataOf({ token, headers = {} }: CallOptions): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

function unary<Answer>(method: Unary, stub: Stub, request: object, options: CallOptions) {
  const { deadlineMs = 20_000 } = options;
  return new Promise<Answer>((resolve, reject) => {
    const deadline = Date.now() + deadlineMs;
    method.call(stub, request, metadataOf(options), { deadline }, (error, answer) => {
      if (error === null) resolve(answer);
      else reject(error);
    });
  });
}
