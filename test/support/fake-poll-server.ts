/** A server with the voting routes that `apura load` uses, honest or not, as each test tells it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  eventIdHex,
  idWords,
  mixScope,
  parseUuidV7,
  scopeSeed,
} from '../../src/domain/counting/event-id.ts';

/**
 * What becomes of one try of a vote.
 * - `accept`: counted once, however often it comes, and acknowledged.
 * - `drop`, `count_and_drop`: the connection is cut, without or after counting.
 * - `doubt`, `count_and_doubt`: 503 outcome_unknown, without or after counting.
 * - `hang`: no answer ever.
 * - `close_after`: as `accept`, with `Connection: close`.
 * - `overloaded`, `closed`: refused, not counted.
 * - `lose`, `count_twice`, `count_other_option`, `refuse_and_count`, `answer_other_id`: dishonest.
 * - `garbage`: bytes that are no HTTP.
 */
export type TryFate =
  | 'accept'
  | 'drop'
  | 'count_and_drop'
  | 'doubt'
  | 'count_and_doubt'
  | 'hang'
  | 'close_after'
  | 'overloaded'
  | 'closed'
  | 'lose'
  | 'count_twice'
  | 'count_other_option'
  | 'refuse_and_count'
  | 'answer_other_id'
  | 'garbage';

export interface VoteTry {
  /** Tries so far, this one not included. */
  readonly number: number;
  /** Earlier tries of the same key. */
  readonly earlier: number;
}

export interface CountedRow {
  readonly id: string;
  readonly option: string;
}

const TOKEN = 'fake-operator-token';
const OPTIONS = ['ana', 'bia', 'caio'];
const COUNTING: ReadonlySet<TryFate> = new Set([
  'accept',
  'count_and_drop',
  'count_and_doubt',
  'close_after',
  'count_twice',
  'refuse_and_count',
  'answer_other_id',
]);

const REFUSALS: Partial<Record<TryFate, { status: number; code: string }>> = {
  doubt: { status: 503, code: 'outcome_unknown' },
  count_and_doubt: { status: 503, code: 'outcome_unknown' },
  overloaded: { status: 503, code: 'overloaded' },
  refuse_and_count: { status: 503, code: 'overloaded' },
  closed: { status: 409, code: 'poll_closed' },
};

export class FakePollServer implements AsyncDisposable {
  readonly token = TOKEN;
  readonly rows: CountedRow[] = [];
  readonly tries: string[] = [];
  /** Added to what the server says and checks as its time. */
  clockSkewMs = 0;
  /** How many times GET /v1/consistency says that the stores are still behind. */
  behindFor = 0;
  /** Votes of others that are in the log, but in no store yet. */
  uncounted = 0;
  /** Told of every operators' request before it is answered. */
  onAsked: (pathname: string) => void = () => {};
  /** What the server's own check finds wrong. */
  inconsistency: string | null = null;
  /** Taken off what results show of the first option. */
  hideFromResults = 0;
  readonly #fateOf: (given: VoteTry) => TryFate;
  readonly #seen = new Map<string, number>();
  #server: Server | null = null;
  #port = 0;

  constructor(fateOf: (given: VoteTry) => TryFate = () => 'accept') {
    this.#fateOf = fateOf;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens; on the same port as before when started again. */
  async start(): Promise<this> {
    const server = createServer((request, response) => {
      this.#route(request, response).catch(() => request.socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  /** Dies as by kill -9: every connection is cut; what was counted stays. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', this.url);
    const serverTime = new Date(Date.now() + this.clockSkewMs).toISOString();
    const operator = request.headers.authorization === `Bearer ${TOKEN}`;
    switch (pathname) {
      case '/v1/time':
        return answer(response, 200, { serverTime });
      case '/v1/polls/demo':
        return answer(response, 200, {
          id: 'demo',
          title: 'Demo',
          state: 'open',
          options: OPTIONS.map((id) => ({ id, name: id, imageUrl: null })),
          serverTime,
        });
      case '/v1/polls/demo/votes':
        return this.#vote(request, response);
    }
    if (!operator) return refuse(response, 401, 'unauthorized');
    this.onAsked(pathname);
    switch (pathname) {
      case '/v1/polls/demo/results':
        return answer(response, 200, this.#results());
      case '/v1/consistency': {
        const isBehind = this.behindFor > 0;
        this.behindFor -= 1;
        const end = this.rows.length + this.uncounted;
        const next = Math.max(0, this.rows.length - (isBehind ? 1 : 0));
        const drained = next === end;
        return answer(response, 200, {
          state: this.inconsistency === null ? 'consistent' : 'different',
          detail: this.inconsistency,
          drained,
          logEnd: [{ log: 'log', partition: 0, end }],
          tally: [{ log: 'log', partition: 0, next }],
          ledger: [{ log: 'log', partition: 0, next }],
        });
      }
      case '/v1/polls/demo/export':
        response.writeHead(200, { 'content-type': 'application/x-ndjson' });
        for (const { id, option } of this.rows) {
          response.write(`${JSON.stringify({ id: eventIdOf(id), option, state: 'counted' })}\n`);
        }
        response.end();
        return;
      default:
        return refuse(response, 404, 'poll_not_found');
    }
  }

  #results() {
    const votesOf = (option: string) => this.rows.filter((row) => row.option === option).length;
    return {
      visible: true,
      detail: 'count',
      total: this.rows.length,
      version: this.rows.length,
      options: OPTIONS.map((id, number) => ({
        id,
        votes: Math.max(0, votesOf(id) - (number === 0 ? this.hideFromResults : 0)),
      })),
    };
  }

  async #vote(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { option } = JSON.parse(Buffer.concat(chunks).toString()) as { option: string };
    const id = String(request.headers['idempotency-key']);
    const earlier = this.#seen.get(id) ?? 0;
    const fate = this.#fateOf({ number: this.tries.length, earlier });
    this.#seen.set(id, earlier + 1);
    this.tries.push(id);
    const known = this.rows.some((row) => row.id === id);
    if (COUNTING.has(fate) && !known) this.rows.push({ id, option });
    if (fate === 'count_twice') this.rows.push({ id, option });
    if (fate === 'count_other_option') {
      this.rows.push({ id, option: OPTIONS.find((other) => other !== option) ?? '' });
    }
    this.#answerVote(request, response, fate, id);
  }

  #answerVote(request: IncomingMessage, response: ServerResponse, fate: TryFate, id: string): void {
    const refusal = REFUSALS[fate];
    if (refusal !== undefined) {
      refuse(response, refusal.status, refusal.code);
    } else if (fate === 'drop' || fate === 'count_and_drop') {
      request.socket.destroy();
    } else if (fate === 'garbage') {
      request.socket.end('ICY 200 OK\r\n\r\n');
    } else if (fate !== 'hang') {
      if (fate === 'close_after') response.setHeader('connection', 'close');
      answer(response, 202, { id: fate === 'answer_other_id' ? `0${id.slice(1, -1)}0` : id });
    }
  }
}

/** What the server makes of a key in the poll `demo`. */
function eventIdOf(uuid: string): string {
  const words = idWords();
  parseUuidV7(uuid, words);
  mixScope(words, scopeSeed('demo'));
  return eventIdHex(words);
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  const json = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(json),
  });
  response.end(json);
}

function refuse(response: ServerResponse, status: number, code: string): void {
  answer(response, status, { code, title: code });
}
