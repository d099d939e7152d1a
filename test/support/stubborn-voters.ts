/** Voters at a steady rate who send each vote again, with the same id and at another door, until it is acknowledged. */

import { sleep } from '../../src/compose/sleep.ts';
import { VoteIds } from '../../src/edge/cli/load/vote-ids.ts';
import { waitUntil } from './wait-until.ts';

export interface VotersOptions {
  /** Of the doors; a vote that got no answer from one goes to the next. */
  readonly doors: readonly string[];
  readonly poll: string;
  /** The ids of the poll's options. */
  readonly options: readonly string[];
  readonly ratePerSecond: number;
  /** Tells the runs of one poll apart: 32 random bits. */
  readonly tag: number;
}

/** What became of a try: `not_logged` is certain, `unknown` may have been logged. */
type Outcome = 'acknowledged' | 'not_logged' | 'unknown';

const TICK_MS = 10;
/** A server that stands still is not met by more than these at once. */
const UNDER_WAY_MAX = 200;
/** Longer than the 5 s in which a door answers. */
const TRY_MS_MAX = 7_000;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 1_000;
const SETTLE_MS_MAX = 180_000;
/** One voter in so many hears no answer and sends the vote again, so much later: workers have changed since. */
const DEAF_EVERY = 20;
const DEAF_MS = [2_000, 20_000] as const;
/** Refusals that say that nothing of this try was logged. */
const NOT_LOGGED: ReadonlySet<unknown> = new Set(['not_ready', 'overloaded', 'log_unavailable']);

export class StubbornVoters implements AsyncDisposable {
  readonly #options: VotersOptions;
  readonly #ids: VoteIds;
  /** By the vote's number: when it was first sent, ms since the Unix epoch. */
  readonly #times: number[] = [];
  readonly #acknowledged: boolean[] = [];
  readonly #stopping = new AbortController();
  readonly #ended = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  #due = 0;
  #lookedAt = performance.now();
  #underWay = 0;
  /** Those who have their answer, and will send the vote again. */
  #deaf = 0;
  #fault: Error | null = null;
  /** Votes that were acknowledged. */
  acknowledged = 0;
  /** All requests. */
  tries = 0;
  /** Votes of which a try was of unknown outcome, and those of them that were acknowledged since. */
  unknown = 0;
  resolved = 0;
  /** Votes that were sent again after they were acknowledged, until they were once more. */
  repeated = 0;

  constructor(options: VotersOptions) {
    this.#options = options;
    this.#ids = new VoteIds(options.poll, { x: options.tag, z: 0 });
    this.#timer = setInterval(() => this.#look(), TICK_MS);
  }

  get sent(): number {
    return this.#times.length;
  }

  /** Waits until so many more votes were acknowledged. @throws what a door answered that it never should. */
  async acknowledges(more: number): Promise<void> {
    const goal = this.acknowledged + more;
    await waitUntil(`${more} more votes are acknowledged`, () => {
      return this.#fault !== null || this.acknowledged >= goal;
    });
    if (this.#fault !== null) throw this.#fault;
  }

  /** Sends no new vote, and waits until each that was sent is acknowledged. @throws as `acknowledges`. */
  async settle(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#timer);
    await waitUntil(
      'every vote is acknowledged',
      () => this.#fault !== null || this.#underWay + this.#deaf === 0,
      SETTLE_MS_MAX,
    );
    if (this.#fault !== null) throw this.#fault;
  }

  /**
   * Holds the votes that were exported against those that were sent, id by id.
   *
   * @returns every difference in words; empty where each acknowledged vote counts exactly once, for
   *   its option, and nothing else does.
   */
  differences(
    exported: readonly {
      readonly id?: unknown;
      readonly option?: unknown;
      readonly state?: unknown;
    }[],
  ): string[] {
    const found: string[] = [];
    const counted = new Uint8Array(this.sent);
    for (const { id, option, state } of exported) {
      const vote = this.#ids.find(String(id));
      if (vote === null || this.#times[vote.index] !== vote.time) {
        found.push(`${id} was never sent`);
      } else if (state !== 'counted') {
        found.push(`${id} is ${state}`);
      } else {
        if (counted[vote.index] === 1) found.push(`${id} counts twice`);
        if (option !== this.#optionOf(vote.index)) found.push(`${id} counts for ${option}`);
        counted[vote.index] = 1;
      }
    }
    for (const [vote, time] of this.#times.entries()) {
      if (counted[vote] === 1 || this.#acknowledged[vote] !== true) continue;
      found.push(`${this.#ids.uuid(vote, time)} was acknowledged, and is lost`);
    }
    return found;
  }

  /** The votes that were acknowledged, by option. */
  get votes(): Readonly<Record<string, number>> {
    const votes = Object.fromEntries(this.#options.options.map((option) => [option, 0]));
    for (const [vote, isAcknowledged] of this.#acknowledged.entries()) {
      if (!isAcknowledged) continue;
      const option = this.#optionOf(vote);
      votes[option] = (votes[option] ?? 0) + 1;
    }
    return votes;
  }

  /** Gives up whatever is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#timer);
    this.#ended.abort();
    await waitUntil('no vote is under way', () => this.#underWay + this.#deaf === 0);
  }

  #look(): void {
    const now = performance.now();
    this.#due += ((now - this.#lookedAt) * this.#options.ratePerSecond) / 1_000;
    this.#lookedAt = now;
    while (this.#due >= 1 && this.#underWay < UNDER_WAY_MAX && !this.#stopping.signal.aborted) {
      this.#due -= 1;
      void this.#vote();
    }
    // What found no room is not sent later: the rate is what it is.
    this.#due = Math.min(this.#due, 1);
  }

  async #vote(): Promise<void> {
    const vote = this.#times.length;
    this.#times.push(Date.now());
    this.#acknowledged.push(false);
    this.#underWay += 1;
    const doubts = await this.#deliver(vote);
    this.#underWay -= 1;
    if (doubts === null) return;
    this.#acknowledged[vote] = true;
    this.acknowledged += 1;
    if (doubts > 0) this.resolved += 1;
    if (vote % DEAF_EVERY === 0) await this.#repeat(vote);
  }

  async #repeat(vote: number): Promise<void> {
    this.#deaf += 1;
    const [from, to] = DEAF_MS;
    // The golden ratio spreads them evenly.
    await sleep(from + ((vote * 0.618) % 1) * (to - from), this.#stopping.signal);
    if ((await this.#deliver(vote)) !== null) this.repeated += 1;
    this.#deaf -= 1;
  }

  /** Sends a vote until it is acknowledged; how many tries were of unknown outcome, null where it gave up. */
  async #deliver(vote: number): Promise<number | null> {
    let doubts = 0;
    try {
      for (let tries = 0; !this.#ended.signal.aborted && this.#fault === null; tries += 1) {
        const outcome = await this.#try(vote, tries);
        if (outcome === 'acknowledged') return doubts;
        if (outcome === 'unknown') {
          doubts += 1;
          if (doubts === 1 && this.#acknowledged[vote] === false) this.unknown += 1;
        }
        const backoffMs = RETRY_FIRST_MS * 2 ** Math.min(tries, 10);
        await sleep(Math.min(RETRY_MAX_MS, backoffMs), this.#ended.signal);
      }
    } catch (error) {
      this.#fault ??= error instanceof Error ? error : new Error(String(error));
    }
    return null;
  }

  /** @throws what was answered, where it is neither yes, nor no for now, nor unknown. */
  async #try(vote: number, tries: number): Promise<Outcome> {
    const { doors, poll } = this.#options;
    const key = this.#ids.uuid(vote, this.#times[vote] ?? 0);
    const door = doors[(vote + tries) % doors.length] ?? '';
    this.tries += 1;
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${door}/v1/polls/${poll}/votes`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ option: this.#optionOf(vote) }),
        signal: AbortSignal.any([AbortSignal.timeout(TRY_MS_MAX), this.#ended.signal]),
      });
      text = await response.text();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null;
      return code === 'ConnectionRefused' ? 'not_logged' : 'unknown';
    }
    const { id, code } = JSON.parse(text) as { readonly id?: unknown; readonly code?: unknown };
    if (response.status === 202 && id === key) return 'acknowledged';
    if (response.status === 503 && code === 'outcome_unknown') return 'unknown';
    if (response.status === 503 && NOT_LOGGED.has(code)) return 'not_logged';
    throw new Error(`The vote ${key} was answered ${response.status}: ${text}`);
  }

  #optionOf(vote: number): string {
    const { options } = this.#options;
    // Uneven, so that options that were mixed up do not go unseen.
    return options[vote % 3 === 0 ? 0 : vote % options.length] ?? '';
  }
}
