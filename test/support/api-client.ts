/** Asks a running Apura over HTTP, as voters and operators do: for tests that see it from outside only. */
import { waitUntil } from './wait-until.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body where it is a JSON object, else an object without members. */
  readonly json: Json;
}

export interface AskOptions {
  readonly method?: string;
  /** Sent as JSON, or as it is when it is text. */
  readonly body?: unknown;
  /** Goes along as bearer token. */
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PollCounts {
  readonly total: number;
  readonly votes: Readonly<Record<string, number>>;
  readonly version: number;
  readonly stale: boolean;
}

export interface Server {
  readonly url: string;
  /** The operators'. */
  readonly token: string;
}

/** A vote's Idempotency-Key: a UUIDv7 of this instant, ms since the Unix epoch. */
export function voteKey(time: number = Date.now()): string {
  return Bun.randomUUIDv7('hex', time);
}

export class ApiClient {
  readonly #server: () => Server;

  /** `server` is asked anew for every request: a test may start another one meanwhile. */
  constructor(server: () => Server) {
    this.#server = server;
  }

  async ask(path: string, options: AskOptions = {}): Promise<Answer> {
    const { body } = options;
    const isText = typeof body === 'string';
    const response = await fetch(this.#server().url + path, {
      method: options.method ?? (body === undefined ? 'GET' : 'POST'),
      // A connection that is kept would be one to a server that was killed since.
      keepalive: false,
      redirect: 'manual',
      headers: {
        ...(body === undefined || isText ? {} : { 'content-type': 'application/json' }),
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: objectIn(text) };
  }

  /** As `ask`, again for as long as that can not be done just now, or nobody knows whether it was. */
  async askUntilAnswered(path: string, options: AskOptions = {}): Promise<Answer> {
    return (await this.#persist(path, () => this.ask(path, options))).answer;
  }

  async #persist(
    path: string,
    ask: () => Promise<Answer>,
  ): Promise<{ readonly answer: Answer; readonly tries: number }> {
    let tries = 0;
    const answer = await waitUntil(`${path} is not put off`, async () => {
      tries += 1;
      const asked = await ask();
      return asked.status !== 503 && asked;
    });
    return { answer, tries };
  }

  /** As `ask`, with the operators' token. */
  operate(path: string, options: AskOptions = {}): Promise<Answer> {
    return this.ask(path, { token: this.#server().token, ...options });
  }

  /**
   * Asks as an operator does who is told that it can not be done just now, or that nobody knows whether
   * it was: again, for as long as that is the answer.
   *
   * @throws what was answered then, where it is another status; but 409 where one of them has done it.
   */
  async #insist(status: number, path: string, options: AskOptions): Promise<Answer> {
    const { answer, tries } = await this.#persist(path, () => this.operate(path, options));
    if (answer.status === status || (answer.status === 409 && tries > 1)) return answer;
    throw new Error(`${path} answered ${answer.status}, not ${status}: ${answer.text}`);
  }

  /** A poll with the options `a` and `b`, unless `fields` say otherwise; resolves to its id. */
  async createPoll(id: string, fields: Json = {}): Promise<string> {
    const options = [
      { id: 'a', name: 'Ana' },
      { id: 'b', name: 'Bia' },
    ];
    await this.#insist(201, '/v1/polls', { body: { id, title: id, options, ...fields } });
    return id;
  }

  /** As `createPoll`, and open. */
  async openPoll(id: string, fields: Json = {}): Promise<string> {
    await this.createPoll(id, fields);
    await this.act(id, 'open');
    return id;
  }

  /** Does what operators do to a poll, again where it was put off: an act has one effect. Resolves to the poll. */
  async act(poll: string, act: string): Promise<Json> {
    return (await this.#insist(200, `/v1/polls/${poll}/${act}`, { method: 'POST' })).json;
  }

  /** @throws what was answered, where an operator gets another status. */
  async mustBe(status: number, path: string, options: AskOptions = {}): Promise<Answer> {
    const answer = await this.operate(path, options);
    if (answer.status === status) return answer;
    throw new Error(`${path} answered ${answer.status}, not ${status}: ${answer.text}`);
  }

  /** Sends one vote; without a key the server makes one. */
  vote(poll: string, option: string, key: string | null = voteKey()): Promise<Answer> {
    return this.ask(`/v1/polls/${poll}/votes`, {
      body: { option },
      headers: key === null ? {} : { 'idempotency-key': key },
    });
  }

  /**
   * Sends one vote as voters do: again, with its key, while the door says that it can not take it just
   * now or does not know. Resolves to the first answer that is another one.
   */
  voteUntilAnswered(poll: string, option: string, key: string = voteKey()): Promise<Answer> {
    const headers = { 'idempotency-key': key };
    return this.askUntilAnswered(`/v1/polls/${poll}/votes`, { body: { option }, headers });
  }

  /**
   * Sends `count` votes, a few at a time, each until it is answered, and wants each acknowledged; resolves
   * to their keys.
   */
  async votes(poll: string, option: string, count: number): Promise<readonly string[]> {
    const keys: string[] = [];
    const sendSome = async (): Promise<void> => {
      while (keys.length < count) {
        const key = voteKey();
        keys.push(key);
        const { status, text } = await this.voteUntilAnswered(poll, option, key);
        if (status !== 202) throw new Error(`A vote was answered ${status}: ${text}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, sendSome));
    return keys;
  }

  async poll(id: string): Promise<Json> {
    return (await this.mustBe(200, `/v1/polls/${id}`)).json;
  }

  async stateOf(poll: string): Promise<unknown> {
    return (await this.poll(poll)).state;
  }

  /** Waits until the poll is in the state. */
  inState(poll: string, state: string): Promise<unknown> {
    return waitUntil(`${poll} is ${state}`, async () => (await this.stateOf(poll)) === state);
  }

  /** The counts as operators see them. */
  async counts(poll: string): Promise<PollCounts> {
    const { json } = await this.mustBe(200, `/v1/polls/${poll}/results`);
    const options = json.options as readonly { id: string; votes: number }[];
    return {
      total: json.total as number,
      votes: Object.fromEntries(options.map(({ id, votes }) => [id, votes])),
      version: json.version as number,
      stale: json.stale as boolean,
    };
  }

  /** Waits until log, tally and ledger stand at one place, then gives the counts there. */
  async countsAtRest(poll: string): Promise<PollCounts> {
    await this.drained();
    return waitUntil(`the results of ${poll} are fresh`, async () => {
      // The results follow the tally by a moment: their version says when they have.
      const target = (await this.positions()).reduce((sum, { end }) => sum + end, 0);
      const counts = await this.counts(poll);
      return counts.version >= target && !counts.stale && counts;
    });
  }

  /** Where the logs end, a partition. */
  async positions(): Promise<readonly { readonly partition: number; readonly end: number }[]> {
    const { json } = await this.mustBe(200, '/v1/consistency');
    return json.logEnd as readonly { partition: number; end: number }[];
  }

  /** Waits until every store has followed the log to its end. */
  drained(): Promise<unknown> {
    return waitUntil('every store has counted to the end of the log', async () => {
      return (await this.mustBe(200, '/v1/consistency')).json.drained === true;
    });
  }

  async receipt(poll: string, key: string): Promise<Json> {
    const answer = await this.ask(`/v1/polls/${poll}/receipts/${key}`);
    if (answer.status === 200) return answer.json;
    throw new Error(`The receipt of ${key} was answered ${answer.status}: ${answer.text}`);
  }

  /** Waits until the receipt has the status. */
  receiptBecomes(poll: string, key: string, status: string): Promise<Json> {
    return waitUntil(`the receipt of ${key} is ${status}`, async () => {
      const receipt = await this.receipt(poll, key);
      return receipt.status === status && receipt;
    });
  }

  /** A metric's value without labels; 0 where there is none. */
  async metric(name: string): Promise<number> {
    const { text } = await this.mustBe(200, '/metrics');
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  }

  /** The lines of an NDJSON export. */
  async exportOf(poll: string, what: string): Promise<readonly Json[]> {
    const { text } = await this.mustBe(200, `/v1/polls/${poll}/export?format=ndjson&what=${what}`);
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as Json);
  }
}

function objectIn(text: string): Json {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Json) : {};
  } catch {
    return {};
  }
}
