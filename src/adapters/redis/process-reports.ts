/** Reports of processes over a channel of Redis, as JSON; what arrives is checked, for anyone may publish. */
import type { DoorReport, ProcessReport, ProcessReports } from '../../ports/process-reports.ts';
import { parseRedisAddress, type RedisAddress } from './redis-address.ts';
import { connectRedis, type RedisClient } from './redis-client.ts';
import { RedisSubscription } from './redis-subscription.ts';
import { namePrefix } from './tally-keys.ts';

export interface RedisProcessReportsOptions {
  /** As of the live tally. */
  readonly url: string;
  readonly keyPrefix?: string;
}

/** A report has some hundred characters; many more are none. */
const REPORT_CHARS_MAX = 16_384;
const SUBSCRIBE_AGAIN_MS = 1_000;

/**
 * @throws ApuraError `store_unavailable`: nobody answers at the address.
 * @throws ApuraError `invalid_config`: the address is none.
 */
export async function openRedisProcessReports(
  options: RedisProcessReportsOptions,
): Promise<ProcessReports> {
  const address = parseRedisAddress(options.url);
  const channel = `${namePrefix(address, options.keyPrefix)}:reports`;
  return new RedisProcessReports(await connectRedis(address), address, channel);
}

type Listener = (report: ProcessReport) => void;

class RedisProcessReports implements ProcessReports {
  readonly #client: RedisClient;
  readonly #address: RedisAddress;
  readonly #channel: string;
  readonly #listeners = new Set<{ readonly call: Listener }>();
  #subscription: RedisSubscription | null = null;
  #subscribing = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(client: RedisClient, address: RedisAddress, channel: string) {
    this.#client = client;
    this.#address = address;
    this.#channel = channel;
  }

  publish(report: ProcessReport): void {
    // The next one follows in a second: nobody waits for this one.
    this.#client.publish(this.#channel, JSON.stringify(report)).catch(() => {});
  }

  /** All listeners share one connection, made with the first. */
  subscribe(listener: Listener): Disposable {
    const own = { call: listener };
    this.#listeners.add(own);
    this.#connect();
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#listeners.clear();
    this.#subscription?.[Symbol.dispose]();
    this.#client.disconnect();
  }

  #connect(): void {
    if (this.#subscribing || this.#closed) return;
    this.#subscribing = true;
    const options = {
      address: this.#address,
      channel: this.#channel,
      onMessage: (text: string) => this.#take(text),
      onBack: () => {},
    };
    RedisSubscription.open(options).then(
      (subscription) => {
        if (this.#closed) subscription[Symbol.dispose]();
        else this.#subscription = subscription;
      },
      () => {
        this.#subscribing = false;
        if (this.#closed) return;
        this.#timer = setTimeout(() => this.#connect(), SUBSCRIBE_AGAIN_MS);
      },
    );
  }

  #take(text: string): void {
    const report = text.length > REPORT_CHARS_MAX ? null : reportOf(text);
    if (report === null) return;
    for (const { call } of this.#listeners) call(report);
  }
}

function reportOf(text: string): ProcessReport | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  const { name, role, at, rssBytes, cpuPercent, trouble, door, lagMs } = value;
  if (typeof name !== 'string' || typeof role !== 'string') return null;
  if (!isNumber(at) || !isNumber(rssBytes) || !isNumber(cpuPercent)) return null;
  if (trouble !== null && typeof trouble !== 'string') return null;
  if (lagMs !== null && !isNumber(lagMs)) return null;
  const doorReport = door === null ? null : doorOf(door);
  if (doorReport === undefined) return null;
  return { name, role, at, rssBytes, cpuPercent, trouble, door: doorReport, lagMs };
}

/** Undefined where it is no door's report. */
function doorOf(value: unknown): DoorReport | undefined {
  if (!isRecord(value)) return undefined;
  const { received, accepted, rejected, unknown, acceptedPerSecond, peakPerSecond } = value;
  const { p50Ms, p99Ms } = value;
  if (!isNumber(received) || !isNumber(accepted) || !isNumber(unknown)) return undefined;
  if (!isNumber(acceptedPerSecond) || !isNumber(peakPerSecond)) return undefined;
  if (!isNumber(p50Ms) || !isNumber(p99Ms) || !isRecord(rejected)) return undefined;
  const reasons = Object.entries(rejected).flatMap(([reason, count]): [string, number][] =>
    isNumber(count) ? [[reason, count]] : [],
  );
  const rates = { acceptedPerSecond, peakPerSecond, p50Ms, p99Ms };
  return { received, accepted, rejected: Object.fromEntries(reasons), unknown, ...rates };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON has no NaN and no infinity: they arrive as null. */
function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
