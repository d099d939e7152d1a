/**
 * Senders of pulses that keep books of their own: what was acknowledged, what was rejected, what is unknown
 * and sent again. At the end the books are held against pulses, usage and charges, to the last decimal.
 */
import { sleep } from '../../src/compose/sleep.ts';
import type { ApiClient, Json } from './api-client.ts';
import { type ClientPulse, type ClientResult, GrpcClient } from './grpc-client.ts';
import { SeededRandom } from './seeded-random.ts';
import { waitUntil } from './wait-until.ts';

export interface PulseDoor {
  readonly url: string;
  readonly grpcUrl: string;
}

export interface PulseSendersOptions {
  /** Asked before every try: a door may have moved since. */
  readonly doors: () => readonly PulseDoor[];
  /** The operators'. */
  readonly token: string;
  /** Of ids and amounts. */
  readonly seed: number;
  /** Between two batches of a sender; default 100 ms. */
  readonly pauseMs?: number;
}

export interface SenderFigures {
  /** Distinct pulses. */
  readonly acknowledged: number;
  readonly rejected: number;
  /** Requests. */
  readonly tries: number;
  /** Tries that a door has refused or that have not reached it: nothing of them was taken. */
  readonly refused: number;
  /** Tries of which nobody knows what became of them. */
  readonly unknown: number;
  /** Pulses that were sent again though they were acknowledged. */
  readonly repeated: number;
  /** Other pulses that were sent under ids that were acknowledged. */
  readonly contradicted: number;
}

/** How metering stands, as `/v1/metering/overview` has it. */
export interface MeteringState {
  readonly partitions: readonly {
    readonly partition: number;
    readonly end: number;
    readonly next: number;
    readonly books: Readonly<Record<Count, number>>;
  }[];
  readonly usageBehind: number;
  readonly usagePending: number;
  readonly ratingDue: number;
}

type Count = 'received' | 'counted' | 'duplicates' | 'conflicts' | 'voided' | 'deadLetters';
type Kind = 'new' | 'again' | 'other' | 'bad';
type TryEnd =
  | { readonly kind: 'answered'; readonly results: readonly ClientResult[] }
  | { readonly kind: 'refused' | 'unknown' };

interface SentPulse {
  readonly pulse: ClientPulse;
  acknowledged: boolean;
  /** How often it was sent again after it was acknowledged, and how often it was contradicted. */
  repeated: number;
  contradicted: number;
}

interface Item {
  readonly kind: Kind;
  readonly pulse: ClientPulse;
  /** What lies in the books under its id; null of a bad one. */
  readonly sent: SentPulse | null;
  /** Of a bad one: the code that it must be rejected with. */
  readonly code: string;
}

/** Amounts have 18 digits behind the point: all sums are whole numbers of the last one. */
const SCALE = 18;
const SOURCE = 'drill';
const CONNECT = '/apura.metering.v1.PulseService/Ingest';
const SENDERS = 6;
const BATCH_PULSES_MAX = 60;
const PAUSE_MS = 100;
const RETRY_MS = 150;
/** Longer than the 5 s in which a door answers. */
const TRY_MS_MAX = 7_000;
const SETTLE_MS_MAX = 180_000;
/** Refusals that say that nothing was taken. */
const NOT_TAKEN: ReadonlySet<unknown> = new Set(['not_ready', 'overloaded', 'log_unavailable']);
const UNAVAILABLE = 14;
const DEADLINE_EXCEEDED = 4;
const CANCELLED = 1;
const WINDOW_MS = 900_000;
const HOUR_MS = 3_600_000;
/** Pulses lie in so many windows before the last whole one. */
const WINDOWS = 9;
const PAGE = 1_000;

/**
 * A price for each unit, of each series, in the tenant's own currency with so many digits. Of three partitions
 * each has one of the tenants.
 */
const TENANTS = [
  { tenant: 'acme', currency: 'EUR', exponent: 2 },
  { tenant: 'globex', currency: 'BHD', exponent: 3 },
  { tenant: 'cyberdyne', currency: 'JPY', exponent: 0 },
] as const;
const PRICES = [
  { sku: 'storage', unit: 'GiB', unitPrice: '0.0125' },
  { sku: 'storage', unit: 'call', unitPrice: '0.000003' },
  { sku: 'egress', unit: 'GiB', unitPrice: '0.7' },
] as const;

export class PulseSenders implements AsyncDisposable {
  /** A whole usage window: the last one that pulses lie in. */
  readonly at = Math.floor((Date.now() - HOUR_MS) / WINDOW_MS) * WINDOW_MS;
  readonly #options: PulseSendersOptions;
  readonly #sent = new Map<string, SentPulse>();
  readonly #acknowledged: SentPulse[] = [];
  /** Those who contradict another, by what they say. */
  readonly #others = new Set<string>();
  readonly #clients = new Map<string, GrpcClient>();
  readonly #stopping = new AbortController();
  readonly #ended = new AbortController();
  readonly #senders: readonly Promise<void>[];
  #fault: Error | null = null;
  /** Called at each answer. */
  #onAnswer: () => void = () => {};
  #counts = { rejected: 0, tries: 0, refused: 0, unknown: 0, repeated: 0, contradicted: 0 };

  constructor(options: PulseSendersOptions) {
    this.#options = options;
    this.#senders = Array.from({ length: SENDERS }, (_, number) =>
      this.#run(number).catch((error: unknown) => {
        this.#fault ??= error instanceof Error ? error : new Error(`${error}`);
      }),
    );
  }

  get acknowledged(): number {
    return this.#acknowledged.length;
  }

  get unknown(): number {
    return this.#counts.unknown;
  }

  get figures(): SenderFigures {
    return { acknowledged: this.acknowledged, ...this.#counts };
  }

  /**
   * Waits until so many more pulses were acknowledged: resolves at the very answer, so that what follows
   * meets a door that has just said yes. @throws what a door answered that it never should.
   */
  async acknowledges(more: number): Promise<void> {
    const goal = this.acknowledged + more;
    const reached = Promise.withResolvers<void>();
    this.#onAnswer = () => {
      if (this.acknowledged >= goal) reached.resolve();
    };
    const isReached = (): boolean => this.acknowledged >= goal;
    await Promise.race([
      reached.promise,
      this.#until(`${more} more pulses are acknowledged`, isReached),
    ]);
  }

  /** Waits until the outcome of one more try is unknown. @throws as `acknowledges`. */
  async isLeftInDoubt(): Promise<void> {
    const goal = this.unknown + 1;
    await this.#until('a try has an unknown outcome', () => this.unknown >= goal);
  }

  /** Sends nothing new, and waits until all that was sent has an answer. @throws as `acknowledges`. */
  async settle(): Promise<void> {
    this.#stopping.abort();
    let left = this.#senders.length;
    for (const sender of this.#senders) void sender.then(() => (left -= 1));
    await this.#until('every pulse has an answer', () => left === 0, SETTLE_MS_MAX);
    const open = [...this.#sent.values()].filter(({ acknowledged }) => !acknowledged);
    if (open.length > 0) throw new Error(`${open.length} pulses were given up.`);
  }

  /**
   * Holds all that is stored against the books.
   *
   * @returns every difference in words: none where each acknowledged pulse counts exactly once, nothing
   *   else does, and sums and charges are exact.
   */
  async differences(client: ApiClient): Promise<readonly string[]> {
    const found: string[] = [];
    const { duplicates } = await this.#comparePulses(client, found);
    await this.#compareConflicts(client, found);
    const expected = this.#usage();
    same(found, 'usage', await usageOf(client, this.at), expected);
    await this.#compareCharges(client, expected, found);
    const books = booksOf(await meteringState(client));
    same(found, 'the books', books, {
      received: this.acknowledged + duplicates + books.conflicts,
      counted: this.acknowledged,
      duplicates,
      conflicts: Math.max(books.conflicts, this.#counts.contradicted),
      voided: 0,
      deadLetters: books.deadLetters,
    });
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#ended.abort();
    await Promise.all(this.#senders);
    for (const client of this.#clients.values()) client[Symbol.dispose]();
  }

  async #until(what: string, holds: () => boolean, patienceMs?: number): Promise<void> {
    await waitUntil(what, () => this.#fault !== null || holds(), patienceMs);
    if (this.#fault !== null) throw this.#fault;
  }

  async #run(number: number): Promise<void> {
    const random = new SeededRandom(this.#options.seed + number);
    for (let batch = 0; !this.#stopping.signal.aborted; batch += 1) {
      const count = 1 + random.below(BATCH_PULSES_MAX);
      const items = Array.from({ length: count }, (_, at) =>
        this.#item(random, `${number}-${batch}-${at}`),
      );
      await this.#sendUntilAnswered(random, items);
      await sleep(this.#options.pauseMs ?? PAUSE_MS, this.#stopping.signal);
    }
  }

  #item(random: SeededRandom, id: string): Item {
    const known = this.#acknowledged[random.below(this.acknowledged)];
    const chance = random.below(30);
    if (known !== undefined && chance < 3) {
      return { kind: 'again', pulse: known.pulse, sent: known, code: '' };
    }
    if (known !== undefined && chance === 3) {
      const usedAmount = otherAmount(random, known.pulse.usedAmount);
      const pulse = { ...known.pulse, usedAmount };
      return { kind: 'other', pulse, sent: known, code: '' };
    }
    const pulse = this.#pulse(random, id);
    if (chance === 4) {
      const bad = { ...pulse, usedAmount: `${pulse.usedAmount}e2` };
      return { kind: 'bad', pulse: bad, sent: null, code: 'amount_invalid' };
    }
    if (chance === 5) {
      const seconds = Math.floor((Date.now() + 3 * HOUR_MS) / 1_000);
      const bad = { ...pulse, occurredAt: { seconds, nanos: 0 } };
      return { kind: 'bad', pulse: bad, sent: null, code: 'in_future' };
    }
    const sent = { pulse, acknowledged: false, repeated: 0, contradicted: 0 };
    this.#sent.set(nameOf(pulse.tenant, id), sent);
    return { kind: 'new', pulse, sent, code: '' };
  }

  #pulse(random: SeededRandom, id: string): ClientPulse {
    const { tenant } = oneOf(random, TENANTS);
    const { sku, unit } = oneOf(random, PRICES);
    const occurredAt = this.at - random.below(WINDOWS * WINDOW_MS) + WINDOW_MS - 1;
    const seconds = Math.floor(occurredAt / 1_000);
    return {
      ...{ id, source: SOURCE, tenant, productSku: sku, useUnity: unit },
      usedAmount: randomAmount(random),
      occurredAt: { seconds, nanos: (occurredAt - seconds * 1_000) * 1_000_000 },
    };
  }

  async #sendUntilAnswered(random: SeededRandom, items: readonly Item[]): Promise<void> {
    const pulses = items.map(({ pulse }) => pulse);
    while (!this.#ended.signal.aborted) {
      const door = oneOf(random, this.#options.doors());
      this.#counts.tries += 1;
      const end =
        random.below(2) === 0
          ? await this.#sendByGrpc(door, pulses)
          : await this.#sendByConnect(door, pulses);
      if (end.kind === 'answered') return this.#book(items, end.results);
      this.#counts[end.kind] += 1;
      await sleep(RETRY_MS, this.#ended.signal);
    }
  }

  async #sendByGrpc({ grpcUrl }: PulseDoor, pulses: readonly ClientPulse[]): Promise<TryEnd> {
    const { token } = this.#options;
    try {
      const { results } = await this.#clientOf(grpcUrl).ingest(pulses, {
        token,
        deadlineMs: TRY_MS_MAX,
      });
      return { kind: 'answered', results };
    } catch (error) {
      const { code, details, metadata } = error as {
        readonly code?: number;
        readonly details?: string;
        readonly metadata?: { get(name: string): readonly unknown[] };
      };
      const said = metadata?.get('apura-code')[0];
      if (NOT_TAKEN.has(said) || /ECONNREFUSED|No connection/.test(`${details}`)) {
        return { kind: 'refused' };
      }
      if (code === UNAVAILABLE || code === DEADLINE_EXCEEDED || code === CANCELLED) {
        return { kind: 'unknown' };
      }
      throw new Error(`gRPC answered ${code} ${said}: ${details}`, { cause: error });
    }
  }

  async #sendByConnect({ url }: PulseDoor, pulses: readonly ClientPulse[]): Promise<TryEnd> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(url + CONNECT, {
        method: 'POST',
        // A connection that is kept would be one to a server that was killed since.
        keepalive: false,
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${this.#options.token}`,
        },
        body: JSON.stringify({ pulses: pulses.map(inJson) }),
        signal: AbortSignal.timeout(TRY_MS_MAX),
      });
      text = await response.text();
    } catch (error) {
      const { code } = error as { readonly code?: string };
      return { kind: code === 'ECONNREFUSED' ? 'refused' : 'unknown' };
    }
    if (response.status === 200) {
      const { results = [] } = JSON.parse(text) as { readonly results?: readonly ClientResult[] };
      return { kind: 'answered', results };
    }
    if (NOT_TAKEN.has(response.headers.get('apura-code'))) return { kind: 'refused' };
    if (response.status === 503 || response.status === 504) return { kind: 'unknown' };
    throw new Error(`Connect answered ${response.status}: ${text}`);
  }

  /** One connection an address: it finds a door that was started again by itself, and soon. */
  #clientOf(grpcUrl: string): GrpcClient {
    const known = this.#clients.get(grpcUrl);
    if (known !== undefined) return known;
    const client = new GrpcClient(Number(new URL(grpcUrl).port), undefined, {
      'grpc.initial_reconnect_backoff_ms': RETRY_MS,
      'grpc.max_reconnect_backoff_ms': RETRY_MS,
      'grpc.enable_retries': 0,
    });
    this.#clients.set(grpcUrl, client);
    return client;
  }

  /** @throws where a pulse got another answer than it must. */
  #book(items: readonly Item[], results: readonly ClientResult[]): void {
    if (results.length !== items.length) {
      throw new Error(`${items.length} pulses were answered by ${results.length} results.`);
    }
    for (const [index, { kind, pulse, sent, code }] of items.entries()) {
      const result = results[index];
      const isRight =
        kind === 'bad'
          ? result?.status === 'PULSE_STATUS_REJECTED' && result.code === code
          : result?.status === 'PULSE_STATUS_ACCEPTED';
      if (!isRight) {
        throw new Error(`${JSON.stringify(pulse)} was answered ${JSON.stringify(result)}.`);
      }
      if (sent === null) {
        this.#counts.rejected += 1;
      } else if (kind === 'new') {
        sent.acknowledged = true;
        this.#acknowledged.push(sent);
      } else if (kind === 'again') {
        sent.repeated += 1;
        this.#counts.repeated += 1;
      } else {
        sent.contradicted += 1;
        this.#counts.contradicted += 1;
        this.#others.add(whatItSays(pulse.tenant, pulse.id, unitsOf(pulse.usedAmount)));
      }
    }
    this.#onAnswer();
  }

  #usage(): Readonly<Record<string, string>> {
    const sums = new Map<string, { sum: bigint; count: number }>();
    for (const { pulse } of this.#acknowledged) {
      const series = `${pulse.tenant} ${pulse.productSku} ${pulse.useUnity}`;
      const total = sums.get(series) ?? { sum: 0n, count: 0 };
      total.sum += unitsOf(pulse.usedAmount);
      total.count += 1;
      sums.set(series, total);
    }
    return shown(sums);
  }

  async #comparePulses(
    client: ApiClient,
    found: string[],
  ): Promise<{ readonly duplicates: number }> {
    const seen = new Set<string>();
    let duplicates = 0;
    for await (const stored of pagesOf(client, '/v1/pulses')) {
      const { tenant, id, amount } = stored;
      const name = nameOf(String(tenant), String(id));
      const sent = this.#sent.get(name);
      duplicates += Number(stored.duplicates);
      if (sent === undefined) {
        found.push(`${name} was never to be counted`);
        continue;
      }
      if (seen.has(name)) found.push(`${name} is there twice`);
      seen.add(name);
      const amounts = [amount, stored.countedAmount].map((text) => unitsOf(String(text)));
      if (amounts.some((units) => units !== unitsOf(sent.pulse.usedAmount))) {
        found.push(`${name} counts ${amount}, not ${sent.pulse.usedAmount}`);
      }
      if (stored.state !== 'counted') found.push(`${name} is ${stored.state}`);
      if (Number(stored.duplicates) < sent.repeated) found.push(`${name} lacks duplicates`);
      if (Number(stored.conflicts) < sent.contradicted) found.push(`${name} lacks conflicts`);
    }
    for (const [name, { acknowledged }] of this.#sent) {
      if (acknowledged && !seen.has(name)) found.push(`${name} was acknowledged, and is lost`);
    }
    return { duplicates };
  }

  async #compareConflicts(client: ApiClient, found: string[]): Promise<void> {
    const listed = new Set<string>();
    for await (const { tenant, id, amount } of pagesOf(client, '/v1/pulses/conflicts')) {
      listed.add(whatItSays(String(tenant), String(id), unitsOf(String(amount))));
    }
    for (const other of this.#others) {
      if (!listed.has(other)) found.push(`the conflict ${other} is not listed`);
    }
    for (const other of listed) {
      if (!this.#others.has(other)) found.push(`${other} is listed as a conflict, and is none`);
    }
  }

  async #compareCharges(
    client: ApiClient,
    usage: Readonly<Record<string, string>>,
    found: string[],
  ): Promise<void> {
    const sums = new Map<string, { sum: bigint; count: number }>();
    const prices = new Map<string, bigint>();
    for await (const charge of pagesOf(client, '/v1/charges')) {
      const { tenant, sku, unit, precise, rounded } = charge;
      const series = `${tenant} ${sku} ${unit}`;
      const total = sums.get(series) ?? { sum: 0n, count: 0 };
      total.sum += unitsOf(String(charge.quantity));
      total.count += Number(charge.pulses);
      sums.set(series, total);
      const exact = unitsOf(String(precise), 2 * SCALE);
      prices.set(series, (prices.get(series) ?? 0n) + exact);
      const exponent = TENANTS.find((one) => one.tenant === tenant)?.exponent ?? 0;
      const step = 10n ** BigInt(2 * SCALE - exponent);
      const right = ((2n * exact + step) / (2n * step)) * step;
      if (unitsOf(String(rounded), 2 * SCALE) !== right) {
        found.push(`${precise} is rounded to ${rounded}`);
      }
    }
    same(found, 'charged usage', shown(sums), usage);
    for (const { tenant } of TENANTS) {
      for (const { sku, unit, unitPrice } of PRICES) {
        const series = `${tenant} ${sku} ${unit}`;
        const [sum = '0'] = usage[series]?.split(' ') ?? [];
        const expected = BigInt(sum) * unitsOf(unitPrice);
        if (prices.get(series) !== expected) {
          found.push(`${series} is charged ${prices.get(series)}, not ${expected}`);
        }
      }
    }
  }
}

/** Makes what the senders' pulses are priced by. */
export async function makeContracts(client: ApiClient): Promise<void> {
  for (const { tenant, currency } of TENANTS) {
    await client.mustBe(201, '/v1/contracts', {
      body: {
        id: `${tenant}-all`,
        tenant,
        currency,
        timeZone: 'America/Sao_Paulo',
        validFrom: '2026-01-01T03:00:00Z',
        prices: PRICES.map((price) => ({ ...price, model: 'per_unit' })),
      },
    });
  }
}

export async function meteringState(client: ApiClient): Promise<MeteringState> {
  return (await client.mustBe(200, '/v1/metering/overview')).json as unknown as MeteringState;
}

/** The books of all partitions. */
export function booksOf({ partitions }: MeteringState): Readonly<Record<Count, number>> {
  const of = (count: Count): number => partitions.reduce((sum, { books }) => sum + books[count], 0);
  return {
    received: of('received'),
    counted: of('counted'),
    duplicates: of('duplicates'),
    conflicts: of('conflicts'),
    voided: of('voided'),
    deadLetters: of('deadLetters'),
  };
}

/** Waits until everything in the logs is counted, sent to rating and charged. */
export async function nothingWaits(client: ApiClient): Promise<void> {
  let last: unknown;
  await waitUntil('nothing waits', async () => {
    const state = await meteringState(client);
    last = state;
    const { partitions, usageBehind, usagePending, ratingDue } = state;
    const isCounted = partitions.every(({ end, next }) => end === next);
    return isCounted && usageBehind === 0 && usagePending === 0 && ratingDue === 0;
  }).catch((error: unknown) => {
    throw new Error(`${error}: ${JSON.stringify(last)}`, { cause: error });
  });
}

/** Sum, in the last decimal, and count by series. */
async function usageOf(client: ApiClient, at: number): Promise<Readonly<Record<string, string>>> {
  const query = new URLSearchParams({
    from: new Date(at - 24 * HOUR_MS).toISOString(),
    to: new Date(at + 2 * WINDOW_MS).toISOString(),
    granularity: 'PT1H',
    group_by: 'tenant,sku',
  });
  const { json } = await client.mustBe(200, `/v1/usage?${query}`);
  const sums = new Map<string, { sum: bigint; count: number }>();
  for (const { value, count, unit, dimensions } of json.data as readonly Json[]) {
    const { tenant, sku } = dimensions as Json;
    const series = `${tenant} ${sku} ${unit}`;
    const total = sums.get(series) ?? { sum: 0n, count: 0 };
    total.sum += unitsOf(String(value));
    total.count += Number(count);
    sums.set(series, total);
  }
  return shown(sums);
}

/** Reads `-12.34` as a whole number of 10^-scale. */
function unitsOf(text: string, scale: number = SCALE): bigint {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  const units = BigInt(whole + fraction.padEnd(scale, '0'));
  return text.startsWith('-') ? -units : units;
}

async function* pagesOf(client: ApiClient, path: string): AsyncGenerator<Json, void, void> {
  let cursor: string | null = '';
  while (cursor !== null) {
    const query = new URLSearchParams({ limit: `${PAGE}`, ...(cursor === '' ? {} : { cursor }) });
    const { json } = await client.mustBe(200, `${path}?${query}`);
    yield* json.items as readonly Json[];
    cursor = json.nextCursor as string | null;
  }
}

function shown(
  sums: ReadonlyMap<string, { readonly sum: bigint; readonly count: number }>,
): Readonly<Record<string, string>> {
  const lines = [...sums].map(
    ([series, { sum, count }]) => [series, `${sum} in ${count}`] as const,
  );
  return Object.fromEntries(lines.sort(([left], [right]) => (left < right ? -1 : 1)));
}

function same(found: string[], what: string, is: object, expected: object): void {
  if (Bun.deepEquals(is, expected)) return;
  found.push(`${what}: ${JSON.stringify(is)}, not ${JSON.stringify(expected)}`);
}

function inJson({ occurredAt, ...pulse }: ClientPulse): Json {
  const at = Number(occurredAt.seconds) * 1_000 + occurredAt.nanos / 1_000_000;
  return { ...pulse, occurredAt: new Date(at).toISOString() };
}

function nameOf(tenant: string | undefined, id: string): string {
  return `${tenant}/${id}`;
}

function whatItSays(tenant: string | undefined, id: string, units: bigint): string {
  return `${nameOf(tenant, id)} of ${units}`;
}

function randomAmount(random: SeededRandom): string {
  const sign = random.below(20) === 0 ? '-' : '';
  const whole = random.below(10 ** random.below(10));
  const places = random.below(SCALE + 1);
  const fraction = Array.from({ length: places }, () => random.below(10)).join('');
  return `${sign}${whole}${places === 0 ? '' : `.${fraction}`}`;
}

function otherAmount(random: SeededRandom, amount: string): string {
  for (;;) {
    const other = randomAmount(random);
    if (unitsOf(other) !== unitsOf(amount)) return other;
  }
}

function oneOf<T>(random: SeededRandom, all: readonly T[]): T {
  const one = all[random.below(all.length)];
  if (one === undefined) throw new Error('There is nothing to choose from.');
  return one;
}
