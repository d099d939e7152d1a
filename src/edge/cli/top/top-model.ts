/** What the operators' live feed has told so far: everything that `apura top` shows. */
import { type ListedPoll, listedPoll } from '../listed-poll.ts';
import type { Json } from '../operator-api.ts';

/** Seconds of votes kept a poll. */
const SECONDS_KEPT = 300;

export interface DoorFigures {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly unknown: number;
  readonly acceptedPerSecond: number;
  readonly peakPerSecond: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface OpsFigures {
  readonly door: DoorFigures;
  readonly lag: {
    readonly tallyMs: number | null;
    readonly ledgerMs: number | null;
    readonly partitions: readonly {
      readonly end: number;
      readonly tally: number;
      readonly ledger: number;
    }[];
  };
  readonly consistency: { readonly state: string; readonly detail: string | null };
  readonly processes: readonly {
    readonly name: string;
    readonly rssBytes: number;
    readonly cpuPercent: number;
  }[];
}

export interface PollCounts {
  readonly total: number;
  readonly votes: Readonly<Record<string, number>>;
  readonly stale: boolean;
}

export interface Act {
  readonly at: string;
  readonly actor: string;
  readonly act: string;
  readonly poll: string;
}

export class TopModel {
  readonly polls = new Map<string, ListedPoll>();
  readonly counts = new Map<string, PollCounts>();
  ops: OpsFigures | null = null;
  acts: readonly Act[] = [];
  durability = '';
  /** RFC 3339 of the newest message; empty before the first. */
  serverTime = '';
  /** Votes by poll, then by second since the Unix epoch, then by option. */
  readonly #seconds = new Map<string, Map<number, Readonly<Record<string, number>>>>();

  /** Takes one message of the feed; one of a kind that is not known changes nothing. */
  take(message: Json): void {
    if (typeof message.serverTime === 'string') this.serverTime = message.serverTime;
    switch (message.type) {
      case 'hello':
        this.#takeHello(message);
        return;
      case 'ops':
        this.ops = message as unknown as OpsFigures;
        return;
      case 'tick':
        this.#takeTick(message);
        return;
      case 'poll':
        this.#takePoll(message.poll as Json);
        return;
      case 'act':
        this.acts = [message.act as unknown as Act, ...this.acts].slice(0, 20);
        return;
    }
  }

  /** The poll with this id, or without one the poll that is most worth watching. */
  watched(id: string | null): ListedPoll | null {
    if (id !== null) return this.polls.get(id) ?? null;
    const all = Array.from(this.polls.values());
    const order = ['open', 'paused', 'closing', 'scheduled', 'closed', 'published', 'draft'];
    for (const state of order) {
      const found = all.find((poll) => poll.state === state);
      if (found !== undefined) return found;
    }
    return null;
  }

  /** Votes of all options in each of the last `count` seconds that are over, oldest first. */
  perSecond(poll: string, count: number): readonly number[] {
    return this.#lastSeconds(poll, count, (votes) =>
      Object.values(votes).reduce((sum, n) => sum + n, 0),
    );
  }

  /** An option's votes in the last second that is over. */
  lastSecond(poll: string, option: string): number {
    return this.#lastSeconds(poll, 1, (votes) => votes[option] ?? 0)[0] ?? 0;
  }

  #lastSeconds(
    poll: string,
    count: number,
    pick: (votes: Readonly<Record<string, number>>) => number,
  ): number[] {
    const seconds = this.#seconds.get(poll);
    const last = Math.floor(Date.parse(this.serverTime || '1970-01-01') / 1_000) - 1;
    return Array.from({ length: count }, (_, n) => pick(seconds?.get(last - count + 1 + n) ?? {}));
  }

  #takeHello(message: Json): void {
    this.durability = String(message.durability ?? '');
    this.polls.clear();
    this.#seconds.clear();
    for (const poll of message.polls as Json[]) this.#takePoll(poll);
    if (message.ops !== null) this.ops = message.ops as unknown as OpsFigures;
    this.acts = message.acts as unknown as Act[];
    for (const { poll, seconds } of message.history as Json[]) {
      this.#takeHistory(String(poll), seconds as Json);
    }
  }

  #takePoll(json: Json): void {
    const poll = listedPoll(json);
    this.polls.set(poll.id, poll);
  }

  #takeHistory(poll: string, { from, votes }: Json): void {
    const first = Math.floor(Number(from) / 1_000);
    const columns = Object.entries(votes as Record<string, readonly number[]>);
    const length = Math.max(0, ...columns.map(([, counts]) => counts.length));
    const seconds = new Map<number, Record<string, number>>();
    for (let n = 0; n < length; n += 1) {
      const row = columns.map(([option, counts]) => [option, counts[n] ?? 0] as const);
      seconds.set(first + n, Object.fromEntries(row));
    }
    this.#seconds.set(poll, seconds);
  }

  #takeTick(message: Json): void {
    const poll = String(message.poll);
    this.counts.set(poll, {
      total: Number(message.total ?? 0),
      votes: message.options as Record<string, number>,
      stale: message.stale === true,
    });
    const second = message.second as Json | undefined;
    if (second === undefined) return;
    const seconds = this.#seconds.get(poll) ?? new Map();
    this.#seconds.set(poll, seconds);
    const at = Math.floor(Date.parse(String(second.at)) / 1_000);
    seconds.set(at, second.votes as Record<string, number>);
    for (const old of seconds.keys()) {
      if (old > at - SECONDS_KEPT) break;
      seconds.delete(old);
    }
  }
}
