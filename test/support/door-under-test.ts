/** The vote door behind a real socket, on a log that stalls and fails as a test says. */
import {
  type AppendFault,
  MemoryEventLog,
  MemoryLogStore,
} from '../../src/adapters/memory/event-log.ts';
import { MemoryLiveTally, MemoryTallyStore } from '../../src/adapters/memory/live-tally.ts';
import {
  BlockWriter,
  type BlockWriterLimits,
} from '../../src/application/counting/block-writer.ts';
import { PartitionFollower } from '../../src/application/counting/partition-follower.ts';
import { TallyCollector } from '../../src/application/counting/step-collectors.ts';
import { PollDirectory } from '../../src/application/voting/poll-directory.ts';
import { VoteDoor } from '../../src/application/voting/vote-door.ts';
import { eventLoop } from '../../src/compose/event-loop.ts';
import { DEDUP_WINDOW_MS } from '../../src/domain/counting/log-settings.ts';
import type { ApuraError } from '../../src/domain/errors.ts';
import { trustProxies } from '../../src/edge/http/client-address.ts';
import { createCors } from '../../src/edge/http/cors.ts';
import { createResultsTokens } from '../../src/edge/http/results-token.ts';
import { type HttpServer, startHttpServer } from '../../src/edge/http/server.ts';
import { VoteRoute } from '../../src/edge/http/vote-route.ts';
import type { EventLog, PartitionBlock } from '../../src/ports/event-log.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { DoorMetrics } from '../../src/telemetry/door-metrics.ts';
import { ApiClient } from './api-client.ts';
import { samplePoll } from './catalogue-samples.ts';

const LOG_ID = 'log-under-test';
const PARTITIONS = 2;
const TALLY_STEP_BYTES = 1 << 20;

export const POLL = 'final';

export class DoorUnderTest implements AsyncDisposable {
  readonly books = new DoorMetrics();
  /** What the writer has reported as the end of the log. */
  readonly failures: ApuraError[] = [];
  readonly writer: BlockWriter;
  readonly client: ApiClient;
  readonly #store = new MemoryLogStore(LOG_ID, PARTITIONS);
  /** The log behind the gate; null: the one in memory, to be opened anew by who counts. */
  readonly #given: EventLog | null;
  readonly #server: HttpServer;
  #gate: PromiseWithResolvers<void> | null = null;
  #spinMs = 0;

  /** On a log in memory that fails as told, or on one that is given and stays its owner's. */
  constructor(limits: Partial<BlockWriterLimits> = {}, given: EventLog | null = null) {
    this.#given = given;
    const log = this.#gatedLog();
    const { logId, partitions } = log.description;
    const clock = systemClock;
    this.writer = new BlockWriter({
      log,
      clock,
      loop: eventLoop,
      writerId: 7n,
      limits: {
        blockDelayMs: 2,
        blockEventsMax: 64,
        pendingEventsMax: 1_000,
        acceptanceBoundMs: 30_000,
        ...limits,
      },
      onFailure: (error) => this.failures.push(error),
    });
    const directory = new PollDirectory();
    const poll = samplePoll({ id: POLL, state: 'open', opensAt: 1_000 });
    directory.apply({ type: 'poll', effectiveAt: 0, poll });
    const settings = {
      logId,
      partitions,
      dedupWindowMs: DEDUP_WINDOW_MS,
      clockBoundMs: 2_000,
      acceptanceBoundMs: limits.acceptanceBoundMs ?? 30_000,
    };
    const randomWords = (): readonly [number, number, number] => {
      const [x = 0, y = 0, z = 0] = crypto.getRandomValues(new Uint32Array(3));
      return [x, y, z];
    };
    const ready = (): boolean => true;
    const door = new VoteDoor({
      writer: this.writer,
      clock,
      settings,
      randomWords,
      directory,
      ready,
    });
    const votes = new VoteRoute({
      door,
      clock,
      books: this.books,
      resultsTokens: createResultsTokens(new Uint8Array(32)),
      cors: createCors([]),
      corsEnabled: false,
    });
    this.#server = startHttpServer<undefined>({
      host: '127.0.0.1',
      port: 0,
      portName: 'APURA_HTTP_PORT',
      tls: null,
      sharePort: false,
      votes,
      api: { fetch: async () => new Response(null, { status: 404 }) },
      live: null,
      surface: 'combined',
      clientAddress: trustProxies([]),
    });
    this.client = new ApiClient(() => ({ url: this.#server.url, token: '' }));
  }

  /** From now on appends wait. */
  stall(): void {
    this.#gate ??= Promise.withResolvers();
  }

  /** Lets what waits go on, and everything after it. */
  resume(): void {
    this.#gate?.resolve();
    this.#gate = null;
  }

  /** Lets the next append keep the whole thread for so long: no timer runs before it has returned. */
  spinNextAppend(ms: number): void {
    this.#spinMs = ms;
  }

  failNextAppend(fault: AppendFault): void {
    this.#store.failNextAppend(fault);
  }

  /** Votes that count by the log as it stands, an option; `logged`: events with all their repeats. */
  async count(): Promise<{
    readonly logged: number;
    readonly votes: Readonly<Record<string, number>>;
  }> {
    const log = this.#given ?? new MemoryEventLog(this.#store);
    const { logId, partitions } = log.description;
    await using tally = new MemoryLiveTally(new MemoryTallyStore(logId), logId);
    let logged = 0;
    const votes: Record<string, number> = {};
    for (let partition = 0; partition < partitions; partition += 1) {
      const follower = new PartitionFollower({
        log,
        store: tally,
        partition,
        dedupWindowMs: DEDUP_WINDOW_MS,
        seed: 1,
        collector: () => new TallyCollector(),
      });
      while ((await follower.advance(TALLY_STEP_BYTES)).kind === 'applied') {}
      const { counts, books } = await tally.read(partition);
      for (const book of books) logged += book.logged;
      for (const { item, count } of counts) votes[item] = (votes[item] ?? 0) + count;
    }
    return { logged, votes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resume();
    await this.writer.drain();
    await this.#server.stop();
  }

  #gatedLog(): EventLog {
    const log = this.#given ?? new MemoryEventLog(this.#store);
    const append = async (blocks: readonly PartitionBlock[]): Promise<readonly number[]> => {
      await this.#gate?.promise;
      const until = performance.now() + this.#spinMs;
      this.#spinMs = 0;
      while (performance.now() < until) {}
      return log.append(blocks);
    };
    return {
      description: log.description,
      append,
      read: (partition, from, maxBytes) => log.read(partition, from, maxBytes),
      bounds: (partition) => log.bounds(partition),
      changed: (positions, signal) => log.changed(positions, signal),
      [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
    };
  }
}
