/**
 * Proves the queue against a simulated server, network and device: whatever gets lost, a vote counts at
 * most once, and what the page says about it is true.
 */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Delivery } from './delivery.ts';
import { DELIVERIES_MAX, Outbox } from './outbox.ts';
import { type KeyValueStore, OutboxStore } from './outbox-store.ts';
import { ServerClock } from './server-clock.ts';
import { openVoteDoor } from './vote-door.ts';

const START = Date.parse('2026-11-21T20:00:00.000Z');
const MINUTE_MS = 60_000;
const HALF_WINDOW_MS = 5 * MINUTE_MS;
const CLOCK_BOUND_MS = 2_000;
/** What the server adds before it calls an id final: the acceptance bound and two clock bounds. */
const SETTLE_MS = 9_000;

/** What becomes of one request. */
type Weather =
  | 'fine'
  | 'lost_before'
  | 'lost_after'
  | 'overloaded'
  | 'overloaded_politely'
  | 'unknown_logged'
  | 'unknown_not_logged'
  | 'portal'
  | 'gateway';

const WEATHERS: readonly Weather[] = [
  'fine',
  'lost_before',
  'lost_after',
  'overloaded',
  'overloaded_politely',
  'unknown_logged',
  'unknown_not_logged',
  'portal',
  'gateway',
];

/** True time, and all that waits for it. */
class Time {
  now = START;
  #timers: { at: number; work: () => void }[] = [];

  after(ms: number, work: () => void): () => void {
    const timer = { at: this.now + ms, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  async run(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      await settleMicrotasks();
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.now = Math.max(this.now, next.at);
      next.work();
    }
    this.now = end;
  }
}

async function settleMicrotasks(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await Promise.resolve();
}

/** The API of design §2 and §5 in a few lines: doors without memory, a log that deduplicates. */
class Server {
  readonly time: Time;
  readonly closesAt: number | null;
  /** The option of every key that the log holds. */
  readonly log = new Map<string, string>();
  readonly requests: { at: number; url: string; key: string | null }[] = [];

  constructor(time: Time, closesAt: number | null) {
    this.time = time;
    this.closesAt = closesAt;
  }

  answer(url: string, init: RequestInit, weather: Weather): Response {
    const key = new Headers(init.headers).get('idempotency-key');
    this.requests.push({ at: this.time.now, url, key });
    if (weather === 'portal') return new Response('<html>log in</html>');
    if (weather === 'gateway') return new Response('bad gateway', { status: 502 });
    if (url === '/v1/time') return Response.json({ serverTime: iso(this.time.now) });
    if (weather === 'overloaded') return problem(503, 'overloaded', {});
    if (weather === 'overloaded_politely')
      return problem(503, 'overloaded', { 'retry-after': '20' });
    if (key === null) return this.#receipt(url.split('/').at(-1) ?? '');
    return this.#vote(key, String(init.body), weather);
  }

  #vote(key: string, body: string, weather: Weather): Response {
    const age = this.time.now - timeOf(key);
    if (age > HALF_WINDOW_MS) return problem(410, 'id_expired', {});
    if (age < -CLOCK_BOUND_MS) return problem(400, 'id_in_future', {});
    if (this.#closed()) return problem(409, 'poll_closed', {});
    const unknown = weather === 'unknown_logged' || weather === 'unknown_not_logged';
    if (weather !== 'unknown_not_logged') this.log.set(key, JSON.parse(body).option);
    if (unknown) return problem(503, 'outcome_unknown', { 'retry-after': '1' });
    const acceptedAt = iso(this.time.now);
    return Response.json({ id: key, acceptedAt, token: 'tok' }, { status: 202 });
  }

  #receipt(key: string): Response {
    const refusedFrom = timeOf(key) + HALF_WINDOW_MS;
    const finalAt = Math.min(refusedFrom, this.closesAt ?? Number.POSITIVE_INFINITY) + SETTLE_MS;
    const absent = this.time.now >= finalAt ? 'not_counted_final' : 'pending';
    const status = this.log.has(key) ? 'counted' : absent;
    return Response.json({ id: key, poll: 'p', status, acceptedAt: null });
  }

  #closed(): boolean {
    return this.closesAt !== null && this.time.now >= this.closesAt;
  }
}

const iso = (ms: number) => new Date(ms).toISOString();

function problem(status: number, code: string, headers: Record<string, string>): Response {
  return new Response(JSON.stringify({ code, status }), { status, headers });
}

/** The simulated keys are readable: `<time>-<serial>`. */
const timeOf = (key: string) => Number(key.split('-')[0]);

type WorldOptions = {
  readonly closesAt?: number | null;
  /** False: the poll is closed by hand, and the page learns it from the refusal only. */
  readonly endIsAnnounced?: boolean;
  /** What becomes of the nth request; fine when absent. */
  readonly weather?: (request: number) => Weather;
  readonly phoneOffMs?: number;
  readonly latencyMs?: number;
  readonly storage?: KeyValueStore | null;
};

/** What a page that is gone gets. */
const NEVER = new Promise<never>(() => {});

type Page = { alive: boolean };

/** A phone with one storage, whose pages come and go. */
class World {
  readonly time = new Time();
  readonly server: Server;
  readonly storage = new Map<string, string>();
  readonly tokens: string[] = [];
  weather: (request: number) => Weather;
  online = true;
  readonly #options: WorldOptions;
  /** How many requests have left so far. */
  requests = 0;
  #serial = 0;
  #lockedBy: Page | null = null;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.weather = options.weather ?? (() => 'fine');
    this.server = new Server(this.time, options.closesAt ?? null);
  }

  /** Opens a page; `heardNow`: the HTML told the server's time on its way in. */
  open(heardNow = true) {
    const page: Page = { alive: true };
    const { time, server } = this;
    const device = {
      monotonic: () => time.now - START,
      wall: () => time.now + (this.#options.phoneOffMs ?? 0),
    };
    const clock = new ServerClock(device);
    if (heardNow) clock.observe(time.now, device.monotonic(), null);
    const local: KeyValueStore = {
      getItem: (key) => this.storage.get(key) ?? null,
      setItem: (key, value) => {
        if (page.alive) this.storage.set(key, value);
      },
    };
    const storage = this.#options.storage === undefined ? local : this.#options.storage;
    const store = new OutboxStore('p', storage);
    const outbox = new Outbox({
      store,
      clock,
      door: openVoteDoor('p', (url, init) => this.#carry(page, url, init), clock),
      closesAt: () => (this.#options.endIsAnnounced === false ? null : server.closesAt),
      isOnline: () => this.online,
      makeKey: (now) => `${Math.floor(now)}-${this.#serial++}`,
      random: () => 0.5,
      startTimer: (ms, work) => time.after(ms, () => page.alive && work()),
      exclusively: async (work) => {
        if (!page.alive) return NEVER;
        if (this.#lockedBy?.alive) return false;
        this.#lockedBy = page;
        await work();
        this.#lockedBy = null;
        return true;
      },
      onChange: () => {},
      onResultsToken: (token) => this.tokens.push(token),
    });
    void outbox.start();
    const kill = () => {
      page.alive = false;
    };
    return { outbox, clock, kill };
  }

  #carry(page: Page, url: string, init: RequestInit): Promise<Response> {
    if (!page.alive) return NEVER;
    const weather = this.online ? this.weather(this.requests) : 'lost_before';
    this.requests += 1;
    const half = (this.#options.latencyMs ?? 100) / 2;
    return new Promise((resolve, reject) => {
      this.time.after(half, () => {
        const arrives = weather !== 'lost_before';
        const answer = arrives ? this.server.answer(url, init, weather) : null;
        this.time.after(half, () => {
          if (!page.alive) return;
          if (answer === null || weather === 'lost_after') reject(new TypeError('Failed to fetch'));
          else resolve(answer);
        });
      });
    });
  }

  votes(): { at: number; url: string; key: string | null }[] {
    return this.server.requests.filter((request) => request.key !== null);
  }

  timesCounted(option: string): number {
    return [...this.server.log.values()].filter((counted) => counted === option).length;
  }
}

const choose = (option: string) => ({ localId: option, option, optionName: option });

function only(outbox: Outbox): Delivery {
  const [delivery, ...others] = outbox.view().deliveries;
  if (delivery === undefined || others.length > 0) throw new Error('expected one delivery');
  return delivery;
}

describe('a vote', () => {
  test('on a good day is sent once, registered, and opens the results', async () => {
    const world = new World();
    const { outbox } = world.open();
    expect(outbox.add(choose('ana'))).toBe(true);
    await world.time.run(1_000);
    expect(only(outbox).fate).toMatchObject({ kind: 'registered', counted: false });
    expect(world.server.requests).toHaveLength(1);
    expect(world.tokens).toEqual(['tok']);
    expect(outbox.view()).toMatchObject({ durable: true, trouble: 'none' });
  });

  test('whose answer is lost goes out again under the same key and counts once', async () => {
    const world = new World({ weather: (n) => (n === 0 ? 'lost_after' : 'fine') });
    const { outbox } = world.open();
    outbox.add(choose('ana'));
    await world.time.run(500);
    expect(outbox.view()).toMatchObject({ trouble: 'no_answer' });
    await world.time.run(10_000);
    expect(only(outbox).fate?.kind).toBe('registered');
    const keys = world.votes().map((request) => request.key);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
    expect(world.timesCounted('ana')).toBe(1);
  });

  test.each([-2, 2])('counts when the phone clock is %d hours off', async (hours) => {
    const world = new World({ phoneOffMs: hours * 60 * MINUTE_MS });
    for (const heardNow of [true, false]) {
      const { outbox, kill } = world.open(heardNow);
      outbox.dismissSettled();
      outbox.add(choose(`ana-${heardNow}`));
      await world.time.run(2_000);
      expect(only(outbox).fate?.kind).toBe('registered');
      kill();
    }
    expect(world.votes()).toHaveLength(2);
  });

  test('kept through 20 minutes known to be offline leaves once, in the time of its leaving', async () => {
    const world = new World();
    const { outbox } = world.open();
    world.online = false;
    outbox.add(choose('ana'));
    await world.time.run(20 * MINUTE_MS);
    expect(only(outbox)).toMatchObject({ key: null, fate: null });
    world.online = true;
    void outbox.wake();
    await world.time.run(1_000);
    expect(only(outbox).fate?.kind).toBe('registered');
    expect(world.votes()).toHaveLength(1);
    expect(timeOf(only(outbox).key ?? '')).toBeGreaterThan(START + 20 * MINUTE_MS - 1);
  });

  test('lost unawares and offline for 20 minutes asks its receipt, then leaves under a new key', async () => {
    const world = new World({ weather: () => 'lost_before' });
    const { outbox } = world.open();
    outbox.add(choose('ana'));
    await world.time.run(20 * MINUTE_MS);
    const first = only(outbox).key;
    world.weather = () => 'fine';
    void outbox.wake();
    await world.time.run(1_000);
    expect(world.server.requests.map(({ url }) => url)).toEqual([
      `/v1/polls/p/receipts/${first}`,
      '/v1/polls/p/votes',
    ]);
    expect(only(outbox).fate?.kind).toBe('registered');
    expect(only(outbox).key).not.toBe(first);
    expect(world.timesCounted('ana')).toBe(1);
  });

  test('that arrived unawares, then 20 minutes offline, asks its receipt and is not sent again', async () => {
    const world = new World({ weather: (n) => (n === 0 ? 'lost_after' : 'lost_before') });
    const { outbox } = world.open();
    outbox.add(choose('ana'));
    await world.time.run(20 * MINUTE_MS);
    world.weather = () => 'fine';
    void outbox.wake();
    await world.time.run(1_000);
    expect(only(outbox).fate).toMatchObject({ kind: 'registered', counted: true });
    expect(world.votes()).toHaveLength(1);
  });

  test('survives a reload in mid-flight with the same key', async () => {
    const world = new World({ latencyMs: 4_000 });
    const first = world.open();
    first.outbox.add(choose('ana'));
    await world.time.run(100);
    const key = only(first.outbox).key;
    first.kill();
    const { outbox } = world.open();
    expect(only(outbox)).toMatchObject({ key, inFlight: true, fate: null });
    await world.time.run(10_000);
    expect(only(outbox).fate?.kind).toBe('registered');
    expect(world.votes().map((request) => request.key)).toEqual([key, key]);
    expect(world.timesCounted('ana')).toBe(1);
  });

  test('that could not leave before the poll closed is called missed, at the deadline, offline', async () => {
    const world = new World({ closesAt: START + MINUTE_MS });
    const { outbox } = world.open();
    world.online = false;
    outbox.add(choose('ana'));
    await world.time.run(MINUTE_MS + 1_000);
    expect(only(outbox).fate).toBeNull();
    await world.time.run(1_500);
    expect(only(outbox).fate).toEqual({ kind: 'missed' });
    world.online = true;
    void outbox.wake();
    await world.time.run(MINUTE_MS);
    expect(world.server.requests).toHaveLength(0);
  });

  test('is called missed when the poll ends while an attempt is failing', async () => {
    const world = new World({ closesAt: START + MINUTE_MS, latencyMs: 9_000 });
    const { outbox } = world.open();
    world.online = false;
    outbox.add(choose('ana'));
    await world.time.run(58_000);
    void outbox.wake();
    await world.time.run(12_000);
    expect(only(outbox).fate).toEqual({ kind: 'missed' });
  });

  test('whose key the door calls expired gets the time anew and a new key', async () => {
    const world = new World();
    const { outbox, clock } = world.open(false);
    clock.observe(START - 10 * MINUTE_MS, 0, null); // a page out of a cache
    outbox.add(choose('ana'));
    await world.time.run(5_000);
    expect(world.server.requests.map(({ url }) => url)).toEqual([
      '/v1/polls/p/votes',
      '/v1/time',
      '/v1/polls/p/votes',
    ]);
    expect(only(outbox).fate?.kind).toBe('registered');
  });
});

describe('the queue', () => {
  test('keeps quiet for as long as the server asks, across a wake and a reload', async () => {
    const world = new World({ weather: (n) => (n === 0 ? 'overloaded_politely' : 'fine') });
    const first = world.open();
    first.outbox.add(choose('ana'));
    await world.time.run(1_000);
    expect(first.outbox.view()).toMatchObject({ trouble: 'busy' });
    void first.outbox.wake();
    await world.time.run(1_000);
    first.kill();
    const { outbox } = world.open();
    await world.time.run(17_000);
    expect(world.votes()).toHaveLength(1);
    await world.time.run(15_000);
    expect(world.votes()).toHaveLength(2);
    expect(only(outbox).fate?.kind).toBe('registered');
  });

  test('backs off up to 30 s while nobody answers', async () => {
    const world = new World({ weather: () => 'gateway' });
    world.open().outbox.add(choose('ana'));
    await world.time.run(4 * MINUTE_MS);
    const at = world.server.requests.map((request) => request.at);
    const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(gaps.every((gap, index) => gap >= (gaps[index - 1] ?? 0) - 200)).toBe(true);
    expect(gaps[0]).toBeLessThan(2_000);
    expect(gaps.at(-1)).toBeLessThan(31_000);
    expect(at.length).toBeLessThan(20);
  });

  test('tries at once when the network is back, also while an attempt is failing', async () => {
    const world = new World({ latencyMs: 8_000, weather: () => 'lost_before' });
    const { outbox } = world.open();
    outbox.add(choose('ana'));
    await world.time.run(2 * MINUTE_MS);
    const before = world.requests;
    while (world.requests === before) await world.time.run(100);
    world.weather = () => 'fine'; // for the next one: this one is on its way to fail
    void outbox.wake();
    await world.time.run(17_000);
    expect(world.requests).toBe(before + 2);
    expect(only(outbox).fate?.kind).toBe('registered');
  });

  test('lets only one tab act at a time, and the other learns the fate from the store', async () => {
    const world = new World();
    const [one, other] = [world.open(), world.open()];
    one.outbox.add(choose('ana'));
    void other.outbox.resume();
    await world.time.run(10_000);
    expect(world.votes()).toHaveLength(1);
    expect(only(other.outbox).fate?.kind).toBe('registered');
  });

  test('refuses more votes than it can hold, and forgets the settled ones when told', async () => {
    const world = new World({ weather: () => 'lost_before' });
    const { outbox } = world.open();
    for (let n = 0; n < DELIVERIES_MAX; n++) expect(outbox.add(choose(`v${n}`))).toBe(true);
    expect(outbox.add(choose('one too many'))).toBe(false);
    world.weather = () => 'fine';
    void outbox.wake();
    await world.time.run(MINUTE_MS);
    expect(world.server.log.size).toBe(DELIVERIES_MAX);
    outbox.dismissSettled();
    expect(outbox.view().deliveries).toEqual([]);
  });

  test('works in memory where there is no storage, and says that a reload would lose it', async () => {
    const full = () => {
      throw new Error('QuotaExceededError');
    };
    for (const storage of [null, { getItem: () => null, setItem: full }]) {
      const world = new World({ storage, weather: (n) => (n === 0 ? 'lost_after' : 'fine') });
      const { outbox } = world.open();
      outbox.add(choose('ana'));
      expect(outbox.view()).toMatchObject({ durable: false });
      await world.time.run(10_000);
      expect(only(outbox).fate?.kind).toBe('registered');
      expect(world.timesCounted('ana')).toBe(1);
    }
  });

  test('forgets a registered vote 10 minutes later, but keeps bad news until it was seen', async () => {
    const world = new World({ closesAt: START + 5 * MINUTE_MS });
    const first = world.open();
    first.outbox.add(choose('ana'));
    await world.time.run(1_000);
    world.online = false;
    first.outbox.add(choose('bia'));
    await world.time.run(11 * MINUTE_MS);
    first.kill();
    const { outbox } = world.open();
    expect(only(outbox)).toMatchObject({ option: 'bia', fate: { kind: 'missed' } });
  });

  test.each(['not json', '{}', '{"format":1,"quietUntil":0,"deliveries":[{"localId":1}]}'])(
    'starts empty when the store holds %s',
    (text) => {
      const world = new World();
      world.storage.set('apura.outbox.p', text);
      expect(world.open().outbox.view().deliveries).toEqual([]);
    },
  );

  test('asks an unsettled vote again when the voter wants to know', async () => {
    const world = new World({ weather: (n) => (n === 0 ? 'lost_after' : 'gateway') });
    const { outbox } = world.open();
    outbox.add(choose('ana'));
    await world.time.run(6 * MINUTE_MS);
    const text = world.storage.get('apura.outbox.p') ?? '';
    world.storage.set('apura.outbox.p', text.replace('"fate":null', '"fate":{"kind":"unsettled"}'));
    expect(only(outbox).fate).toEqual({ kind: 'unsettled' });
    world.weather = () => 'fine';
    outbox.askAgain();
    await world.time.run(MINUTE_MS);
    expect(only(outbox).fate).toMatchObject({ kind: 'registered', counted: true });
    expect(world.timesCounted('ana')).toBe(1);
  });
});

type Event =
  | { readonly kind: 'vote' | 'reload' | 'second_tab' | 'offline' | 'online' | 'wake' }
  | { readonly kind: 'pass'; readonly ms: number };

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Event>({ kind: 'vote' }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Event>(
      { kind: 'reload' },
      { kind: 'second_tab' },
      { kind: 'offline' },
      { kind: 'online' },
      { kind: 'wake' },
    ),
  },
  {
    weight: 6,
    arbitrary: fc
      .oneof(fc.integer({ min: 10, max: 3_000 }), fc.integer({ min: 3_000, max: 8 * MINUTE_MS }))
      .map((ms): Event => ({ kind: 'pass', ms })),
  },
);

const pass = (ms: number): Event => ({ kind: 'pass', ms });

/** One history for each ending: refused, missed, not counted. */
const EVERY_ENDING: [Event[], Weather[], number | null, boolean, number][] = [
  [[pass(2 * MINUTE_MS), { kind: 'vote' }, pass(1_000)], ['fine'], 1, false, 0],
  [[{ kind: 'offline' }, { kind: 'vote' }, pass(2 * MINUTE_MS)], ['fine'], 1, true, 0],
  [[{ kind: 'vote' }, pass(2 * MINUTE_MS)], new Array(12).fill('lost_before'), 1, true, 0],
];

test('under any weather every vote counts at most once, and what is said of it is true', async () => {
  const counts = { registered: 0, refused: 0, missed: 0, not_counted: 0, unsettled: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 4, maxLength: 24 }),
      fc.array(fc.constantFrom(...WEATHERS), { minLength: 1, maxLength: 40 }),
      fc.option(fc.integer({ min: 1, max: 25 }), { nil: null }),
      fc.boolean(),
      fc.constantFrom(-120, 0, 120),
      async (events, weathers, closesInMinutes, endIsAnnounced, phoneOffMinutes) => {
        const world = new World({
          closesAt: closesInMinutes === null ? null : START + closesInMinutes * MINUTE_MS,
          endIsAnnounced,
          phoneOffMs: phoneOffMinutes * MINUTE_MS,
          latencyMs: 300,
          weather: (n) => weathers[n] ?? 'fine',
        });
        let pages = [world.open()];
        const votes: string[] = [];
        for (const step of events) {
          const [page] = pages;
          if (page === undefined) throw new Error('a page is always open');
          if (step.kind === 'pass') await world.time.run(step.ms);
          else if (step.kind === 'vote') {
            votes.push(`vote-${votes.length}`);
            page.outbox.add(choose(votes.at(-1) ?? ''));
          } else if (step.kind === 'second_tab') pages = [page, world.open()];
          else if (step.kind === 'offline') world.online = false;
          else if (step.kind === 'online') {
            world.online = true;
            for (const one of pages) void one.outbox.wake();
          } else if (step.kind === 'wake') void page.outbox.wake();
          else {
            for (const one of pages) one.kill();
            pages = [world.open(world.online)];
          }
        }
        world.online = true;
        world.weather = () => 'fine';
        for (const one of pages) void one.outbox.wake();
        await world.time.run(40 * MINUTE_MS);

        const told = new Map(pages[0]?.outbox.view().deliveries.map((one) => [one.option, one]));
        for (const vote of votes) {
          const fate = told.get(vote)?.fate;
          const counted = world.timesCounted(vote);
          expect(counted).toBeLessThanOrEqual(1);
          if (fate === undefined)
            expect(counted).toBe(1); // registered, and long since forgotten
          else if (fate === null) throw new Error(`${vote} was never settled`);
          else {
            counts[fate.kind]++;
            if (fate.kind !== 'unsettled') expect(counted).toBe(fate.kind === 'registered' ? 1 : 0);
          }
        }
      },
    ),
    { numRuns: 500, examples: EVERY_ENDING },
  );
  // The simulation must have met every ending that it can meet, or it proves little.
  expect(counts.registered).toBeGreaterThan(0);
  expect(counts.missed).toBeGreaterThan(0);
  expect(counts.not_counted).toBeGreaterThan(0);
  expect(counts.refused).toBeGreaterThan(0);
  expect(counts.unsettled).toBe(0);
});
