/** The HTTP edge on use cases in memory: asked without a network, at a time that the test says. */
import { createHash } from 'node:crypto';
import { changePollState } from '../../src/application/voting/change-poll-state.ts';
import { createPoll } from '../../src/application/voting/create-poll.ts';
import { exportVotes } from '../../src/application/voting/export-votes.ts';
import { GetImage } from '../../src/application/voting/get-image.ts';
import { GetReceipt } from '../../src/application/voting/get-receipt.ts';
import { getReport } from '../../src/application/voting/get-report.ts';
import { listActs } from '../../src/application/voting/list-acts.ts';
import { LiveResultsBoard } from '../../src/application/voting/live-results-board.ts';
import { putOptionImage } from '../../src/application/voting/put-option-image.ts';
import { updatePoll } from '../../src/application/voting/update-poll.ts';
import {
  eventIdHex,
  idWords,
  mixScope,
  parseUuidV7,
  scopeSeed,
} from '../../src/domain/counting/event-id.ts';
import { type Api, createApi } from '../../src/edge/http/api.ts';
import type {
  ApiDeps,
  ConsistencyReport,
  FormVoteOutcome,
  Readiness,
  RequestContext,
} from '../../src/edge/http/api-deps.ts';
import type { AssetCatalogue } from '../../src/edge/http/assets.ts';
import { createConsoleSessions } from '../../src/edge/http/console-sessions.ts';
import { createFailedLogins } from '../../src/edge/http/failed-logins.ts';
import { createOperators } from '../../src/edge/http/operators.ts';
import { createResultsBodies } from '../../src/edge/http/results-bodies.ts';
import { createResultsTokens } from '../../src/edge/http/results-token.ts';
import type { EventPage, LedgerEvent } from '../../src/ports/ledger.ts';
import type { MinuteCount } from '../../src/ports/store-step.ts';
import { VotingRoom } from './voting-room.ts';

export const OPERATOR_TOKEN = 'an-operator-token-for-tests';
export const HOST = 'http://apura.test';

/** Assets whose address is their name. */
const ASSETS: AssetCatalogue = {
  url: (name) => `/assets/${name}`,
  respond: (_request, file) =>
    file === 'vote.js'
      ? new Response('vote();', { headers: { 'content-type': 'text/javascript' } })
      : null,
};

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is when it is text or bytes, else as JSON with its content type. */
  readonly body?: unknown;
  /** Whether the operator token goes along. */
  readonly operator?: boolean;
  readonly from?: string;
}

export class EdgeRoom extends VotingRoom {
  readonly board = new LiveResultsBoard();
  /** What the ledger holds. */
  readonly events: LedgerEvent[] = [];
  ledgerLogTime = 0;
  /** Minute windows of all polls, ascending. The books hold no more than those. */
  readonly windows: MinuteCount[] = [];
  ledgerNextOffset = 12;
  /** Votes that forms sent, and what they are told. */
  readonly formVotes: { poll: string; option: string; key: string }[] = [];
  formVoteOutcome: FormVoteOutcome | null = null;
  /** Failures that were reported, with the request id that the client saw. */
  readonly failures: { error: unknown; requestId: string }[] = [];
  readiness: Readiness = {
    ready: true,
    durability: 'power-safe',
    logId: 'log-1',
    parts: [{ name: 'log', ready: true, detail: null }],
  };
  consistency: ConsistencyReport = {
    state: 'consistent',
    checkedAt: null,
    detail: null,
    alarms: [],
    drained: true,
    logEnd: [{ log: 'log', partition: 0, end: 12 }],
    tally: [{ log: 'log', partition: 0, next: 12 }],
    ledger: [{ log: 'log', partition: 0, next: 12 }],
  };
  readonly deps: ApiDeps;
  readonly api: Api;

  constructor(overrides: Partial<ApiDeps> = {}) {
    super();
    this.deps = { ...this.#deps(), ...overrides };
    this.api = createApi(this.deps);
  }

  /** Votes of the poll as the live tally has them now. */
  count(poll: string, votes: Readonly<Record<string, number>>, version: number): void {
    const now = this.clock.now();
    const minute = Math.floor(now / 60_000);
    this.board.accept({
      scope: poll,
      items: new Map(Object.entries(votes)),
      flagged: new Map(),
      minutes: Object.entries(votes).map(([item, count]) => ({
        scope: poll,
        item,
        lane: 'valid',
        minute,
        count,
      })),
      version,
      asOf: now,
      lagMs: 0,
      stale: false,
    });
  }

  /** Puts a vote into the ledger; `id` is the UUIDv7 that its voter sent. */
  log(id: string, fields: Partial<LedgerEvent> = {}): LedgerEvent {
    const scope = fields.scope ?? 'final';
    const words = idWords();
    if (!parseUuidV7(id, words)) throw new Error(`${id} is no UUIDv7`);
    mixScope(words, scopeSeed(scope));
    const event: LedgerEvent = {
      id: eventIdHex(words),
      scope,
      item: 'ana',
      lane: 'valid',
      acceptedAt: this.clock.now(),
      state: 'counted',
      partition: 0,
      offset: this.events.length,
      ...fields,
    };
    this.events.push(event);
    return event;
  }

  async ask(path: string, ask: Ask = {}): Promise<Response> {
    const context: RequestContext = { remoteAddress: ask.from ?? '203.0.113.7' };
    return this.api.fetch(request(path, ask), context);
  }

  async json(path: string, ask: Ask = {}): Promise<unknown> {
    const response = await this.ask(path, ask);
    return response.json();
  }

  #deps(): ApiDeps {
    const { clock, directory } = this;
    const monotonic = () => clock.monotonic();
    const sessions = createConsoleSessions(monotonic);
    const failedLogins = createFailedLogins(monotonic);
    const reading = { directory, board: this.board, clock };
    const images = new GetImage({ catalogue: this.catalogue });
    const settings = {
      logId: 'log-1',
      partitions: 1,
      dedupWindowMs: 600_000,
      clockBoundMs: 2_000,
      acceptanceBoundMs: 5_000,
    };
    const receipts = new GetReceipt({
      directory,
      clock,
      settings,
      ledger: { find: async (id) => this.events.find((event) => event.id === id) ?? null },
      ledgerLogTime: async () => this.ledgerLogTime,
      appendTimeMark: async () => {},
    });
    let made = 0;
    const newPollId = () => {
      made += 1;
      return `made-${made}`;
    };
    const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    const ledger = {
      events: async (scope: string, cursor: string | null, limit: number): Promise<EventPage> => {
        const from = Number(cursor ?? 0);
        const all = this.events.filter((event) => event.scope === scope);
        const nextCursor = from + limit < all.length ? String(from + limit) : null;
        return { events: all.slice(from, from + limit), nextCursor };
      },
    };
    const { catalogue } = this;
    const windowsOf = (scope: string) => this.windows.filter((window) => window.scope === scope);
    const reports = {
      directory,
      clock,
      settings,
      catalogue,
      ledgerOf: () => ({
        windows: async (scope: string) => windowsOf(scope),
        books: async (scope: string) => {
          const counted = windowsOf(scope).reduce((sum, { count }) => sum + count, 0);
          return { scope, logged: counted, counted, duplicate: 0, expired: 0, late: 0, voided: 0 };
        },
      }),
      ledgerCheckpoint: async () => ({ nextOffset: this.ledgerNextOffset }),
      consistency: () => this.consistency,
    };
    return {
      surface: 'combined',
      corsOrigins: ['https://partner.example'],
      reading,
      results: createResultsBodies(reading),
      sessions,
      operators: createOperators({ operatorToken: OPERATOR_TOKEN, sessions, failedLogins }),
      resultsTokens: createResultsTokens(new Uint8Array(32).fill(7)),
      assets: ASSETS,
      useCases: {
        createPoll: (input) =>
          createPoll({ ...this.#editing(), newPollId, log: () => settings.logId }, input),
        updatePoll: (input) => updatePoll(this.#editing(), input),
        changePollState: (input) => changePollState(this.#editing(), input),
        putOptionImage: (input) => putOptionImage({ ...this.#editing(), sha256 }, input),
        getImage: (digest) => images.run(digest),
        getReceipt: (input) => receipts.run(input),
        getReport: (input) => getReport(reports, input),
        listActs: (input) => listActs({ catalogue }, input),
        exportVotes: (input) => exportVotes({ directory, clock, ledger, catalogue }, input),
        recordAct: (act) => catalogue.recordAct(act),
      },
      operations: {
        readiness: () => this.readiness,
        consistency: async () => this.consistency,
        metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' }),
      },
      vote: (_request, poll) => new Response(poll, { status: 202 }),
      castVote: async (poll, option, key) => {
        this.formVotes.push({ poll, option, key });
        return this.formVoteOutcome ?? { kind: 'accepted', id: key };
      },
      reportFailure: (error, requestId) => this.failures.push({ error, requestId }),
    };
  }

  #editing() {
    const { catalogue, clock, publisher, effectDelayMs } = this;
    return { catalogue, clock, publisher, effectDelayMs };
  }
}

function request(path: string, ask: Ask = {}): Request {
  const { body } = ask;
  const isRaw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
  return new Request(`${HOST}${path}`, {
    method: ask.method ?? 'GET',
    headers: {
      ...(isRaw ? {} : { 'content-type': 'application/json' }),
      ...(ask.operator === true ? { authorization: `Bearer ${OPERATOR_TOKEN}` } : {}),
      ...ask.headers,
    },
    ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
  });
}
