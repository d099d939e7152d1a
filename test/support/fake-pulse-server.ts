/**
 * A metering server for tests of those who send to it: it takes pulses by Connect, adds their usage up by
 * a reading of the contract that nobody here wrote, and can be told to lie.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { create, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { type ContractPulse, messageType } from './pulse-messages.ts';

/**
 * What becomes of one request:
 * - `take`: taken and acknowledged, as an honest server does.
 * - `drop`, `take_and_drop`: the connection ends without an answer; nothing, or all, was taken.
 * - `doubt`, `take_and_doubt`: 503 `outcome_unknown`; nothing, or all, was taken.
 * - `overloaded`, `forbidden`: refused with these codes; nothing was taken.
 * - `nonsense`: 200 with a body that is no answer; nothing was taken.
 * - `hang`: never answered.
 * - `lose_one`, `twice`, `round`: acknowledged; the first pulse is lost, counted twice, or cut behind its
 *   second decimal.
 * - `reject_first`: the first pulse is rejected as `too_old`, the others are taken.
 */
export type CallFate =
  | 'take'
  | 'drop'
  | 'take_and_drop'
  | 'doubt'
  | 'take_and_doubt'
  | 'overloaded'
  | 'forbidden'
  | 'nonsense'
  | 'hang'
  | 'lose_one'
  | 'twice'
  | 'round'
  | 'reject_first';

export interface CallSeen {
  /** Counted from 0. */
  readonly number: number;
  readonly pulses: readonly ContractPulse[];
  /** Whether the first pulse has been in a call before. */
  readonly isAgain: boolean;
}

interface Taken {
  readonly pulse: ContractPulse;
  /** In 10^-18. */
  amount: bigint;
  count: number;
}

const REQUEST = messageType('IngestRequest');
const RESPONSE = messageType('IngestResponse');
const SCALE = 18;

export class FakePulseServer implements AsyncDisposable {
  readonly token = 'the-operators-token';
  /** A key of the tenant `acme`. */
  readonly apiKey = 'apura_acme_secret';
  readonly calls: CallSeen[] = [];
  /** By tenant, source and id. */
  readonly taken = new Map<string, Taken>();
  /** How often usage is told as if nothing had come in yet. */
  behindFor = 0;
  /** How often a question for usage or a pulse is refused as `not_ready`. */
  awayFor = 0;
  /** How often it was asked what became of a pulse. */
  pulsesAsked = 0;
  /** Told of usage in place of what is true. */
  usageSays: unknown = null;
  readonly #fateOf: (call: CallSeen) => CallFate;
  readonly #seen = new Set<string>();
  #server: Server | null = null;
  #port = 0;

  constructor(fateOf: (call: CallSeen) => CallFate = () => 'take') {
    this.#fateOf = fateOf;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<this> {
    const server = createServer((request, response) => {
      this.#serve(request, response).catch(() => request.socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = this.#server;
    this.#server = null;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const answer = this.#answer(request, Buffer.concat(chunks));
    if (answer === 'hang') return;
    if (answer === 'cut') {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, answer.headers.toJSON());
    response.end(Buffer.from(await answer.arrayBuffer()));
  }

  #answer(request: IncomingMessage, body: Buffer): Response | 'hang' | 'cut' {
    const { pathname, searchParams } = new URL(request.url ?? '', this.url);
    if (pathname === '/v1/time') {
      return Response.json({ serverTime: new Date().toISOString() });
    }
    const caller = request.headers.authorization;
    const isKey = caller === `Bearer ${this.apiKey}`;
    if (!isKey && caller !== `Bearer ${this.token}`) return problem(401, 'unauthorized');
    const own = isKey ? 'acme' : null;
    if (pathname === '/apura.metering.v1.PulseService/Ingest') return this.#ingest(body, own);
    if (this.awayFor > 0) {
      this.awayFor -= 1;
      return problem(503, 'not_ready');
    }
    if (pathname === '/v1/usage') return this.#usage(searchParams, own);
    const [, id] = /^\/v1\/pulses\/(.+)$/.exec(pathname) ?? [];
    if (id === undefined) return problem(404, 'not_found');
    this.pulsesAsked += 1;
    const tenant = own ?? searchParams.get('tenant');
    const key = `${tenant} ${searchParams.get('source')} ${decodeURIComponent(id)}`;
    if (!this.taken.has(key)) return problem(404, 'pulse_not_found');
    return Response.json({ id, state: 'counted' });
  }

  #ingest(bytes: Uint8Array, own: string | null): Response | 'hang' | 'cut' {
    const { pulses } = fromBinary(REQUEST, bytes) as Message & { pulses: ContractPulse[] };
    const ids = pulses.map(({ id }) => id);
    const isAgain = this.#seen.has(ids[0] ?? '');
    for (const id of ids) this.#seen.add(id);
    const call = { number: this.calls.length, pulses, isAgain };
    this.calls.push(call);
    const fate = this.#fateOf(call);
    const named = pulses.map((pulse) => ({ ...pulse, tenant: pulse.tenant || (own ?? '') }));
    switch (fate) {
      case 'overloaded':
        return connectFailure(429, 'overloaded');
      case 'forbidden':
        return connectFailure(403, 'forbidden');
      case 'nonsense':
        return new Response('{}');
      case 'hang':
        return 'hang';
      case 'drop':
      case 'doubt':
        break;
      case 'reject_first':
        this.#take(named.slice(1));
        return accepted(pulses.length, 'too_old');
      case 'lose_one':
        this.#take(named.slice(1));
        break;
      default:
        this.#take(named);
    }
    if (fate === 'doubt' || fate === 'take_and_doubt') {
      return connectFailure(503, 'outcome_unknown');
    }
    if (fate === 'drop' || fate === 'take_and_drop') return 'cut';
    const first = this.taken.get(keyOf(named[0]));
    if (first !== undefined && fate === 'twice') {
      first.amount *= 2n;
      first.count = 2;
    }
    if (first !== undefined && fate === 'round') first.amount -= first.amount % 10n ** 16n;
    return accepted(pulses.length, null);
  }

  #take(pulses: readonly ContractPulse[]): void {
    for (const pulse of pulses) {
      if (this.taken.has(keyOf(pulse))) continue;
      this.taken.set(keyOf(pulse), { pulse, amount: amountOf(pulse.usedAmount), count: 1 });
    }
  }

  #usage(query: URLSearchParams, own: string | null): Response {
    if (this.usageSays !== null) return Response.json(this.usageSays);
    const tenant = own ?? query.get('tenant');
    const [from = '', to = ''] = [query.get('from'), query.get('to')].map(String);
    const rows = new Map<string, { row: Record<string, unknown>; sum: bigint; count: number }>();
    const isBehind = this.calls.length > 0 && this.behindFor > 0;
    if (isBehind) this.behindFor -= 1;
    for (const { pulse, amount, count } of isBehind ? [] : this.taken.values()) {
      const at = Number(pulse.occurredAt?.seconds ?? 0n) * 1_000;
      if (pulse.tenant !== tenant || at < Date.parse(from) || at >= Date.parse(to)) continue;
      const { productSku: sku, useUnity: unit } = pulse;
      const dimensions = { tenant, sku };
      const found = rows.get(`${sku} ${unit}`) ?? { row: { unit, dimensions }, sum: 0n, count: 0 };
      rows.set(`${sku} ${unit}`, { ...found, sum: found.sum + amount, count: found.count + count });
    }
    return Response.json({
      ...{ from, to, granularity: query.get('granularity'), time_zone: 'UTC' },
      as_of: isBehind ? from : new Date().toISOString(),
      data: [...rows.values()].map(({ row, sum, count }) => ({
        ...row,
        value: `${sum / 10n ** 18n}.${String(sum % 10n ** 18n).padStart(SCALE, '0')}`,
        count,
      })),
    });
  }
}

function keyOf(pulse: ContractPulse | undefined): string {
  return `${pulse?.tenant} ${pulse?.source} ${pulse?.id}`;
}

function amountOf(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(SCALE, '0'));
}

function accepted(count: number, firstCode: string | null): Response {
  const results = Array.from({ length: count }, (_, at) =>
    at === 0 && firstCode !== null ? { status: 2, code: firstCode } : { status: 1 },
  );
  const bytes = toBinary(RESPONSE, create(RESPONSE, { results }));
  return new Response(bytes as Uint8Array<ArrayBuffer>, {
    headers: { 'content-type': 'application/proto' },
  });
}

function connectFailure(status: number, code: string): Response {
  return Response.json({ code, message: code }, { status, headers: { 'apura-code': code } });
}

function problem(status: number, code: string): Response {
  return Response.json({ code, title: code }, { status });
}
