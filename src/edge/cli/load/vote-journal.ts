/** What became of every vote of a run: a few bytes a vote, so that millions fit in memory. */

/**
 * - `unsent`: no byte of it has left.
 * - `sent`: on its way for the first time, no answer yet.
 * - `accepted`: the server acknowledged it.
 * - `rejected`: the server refused it, and no earlier try of it can have been logged.
 * - `unknown`: a try of it ended without an answer, or with one that does not say. A later
 *   acknowledgement settles it; a later refusal does not, because that earlier try may count.
 */
export type VoteState = 'unsent' | 'sent' | 'accepted' | 'rejected' | 'unknown';

const STATES: readonly VoteState[] = ['unsent', 'sent', 'accepted', 'rejected', 'unknown'];
const UNSENT = 0;
const SENT = 1;
const ACCEPTED = 2;
const REJECTED = 3;
const UNKNOWN = 4;
const CODES_MAX = 255;
const TRIES_MAX = 255;

export interface JournalTotals {
  readonly sent: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly unknown: number;
  readonly unsent: number;
  readonly rejectedByCode: Readonly<Record<string, number>>;
}

export class VoteJournal {
  readonly total: number;
  /** Ids' times are kept as ms behind this instant (server time, ms since the Unix epoch). */
  readonly #baseTime: number;
  readonly #idTime: Uint32Array;
  readonly #option: Uint8Array;
  readonly #state: Uint8Array;
  readonly #tries: Uint8Array;
  readonly #code: Uint8Array;
  readonly #codes: string[] = [];

  constructor(total: number, baseTime: number) {
    this.total = total;
    this.#baseTime = baseTime;
    this.#idTime = new Uint32Array(total);
    this.#option = new Uint8Array(total);
    this.#state = new Uint8Array(total);
    this.#tries = new Uint8Array(total);
    this.#code = new Uint8Array(total);
  }

  /** Notes a vote that leaves for the first time. */
  departed(vote: number, option: number, idTime: number): void {
    this.#option[vote] = option;
    this.#idTime[vote] = idTime - this.#baseTime;
    this.#state[vote] = SENT;
    this.#tries[vote] = 1;
  }

  /** Notes that a vote leaves again, with the same id. */
  departedAgain(vote: number): void {
    this.#tries[vote] = Math.min(TRIES_MAX, this.triesOf(vote) + 1);
  }

  /** The server acknowledged the vote. */
  accepted(vote: number): void {
    this.#state[vote] = ACCEPTED;
  }

  /** The server refused this try. Returns what the vote is now: `rejected`, or `unknown` still. */
  refused(vote: number, code: string): VoteState {
    if (this.#state[vote] !== SENT) return this.stateOf(vote);
    this.#state[vote] = REJECTED;
    this.#code[vote] = this.#codeNumber(code);
    return 'rejected';
  }

  /** This try ended without an answer that says what became of the vote. */
  lost(vote: number): void {
    if (this.#state[vote] === SENT) this.#state[vote] = UNKNOWN;
  }

  stateOf(vote: number): VoteState {
    return STATES[this.#state[vote] as number] as VoteState;
  }

  optionOf(vote: number): number {
    return this.#option[vote] as number;
  }

  triesOf(vote: number): number {
    return this.#tries[vote] as number;
  }

  /** The time inside the vote's id, ms since the Unix epoch; meaningless while `unsent`. */
  idTimeOf(vote: number): number {
    return this.#baseTime + (this.#idTime[vote] as number);
  }

  /** Counts the entries one by one. What is `sent` without an answer counts as unknown. */
  totals(): JournalTotals {
    const byState = new Float64Array(STATES.length);
    const byCode = new Float64Array(CODES_MAX + 1);
    for (let vote = 0; vote < this.total; vote += 1) {
      const state = this.#state[vote] as number;
      byState[state] = (byState[state] as number) + 1;
      const code = this.#code[vote] as number;
      if (state === REJECTED) byCode[code] = (byCode[code] as number) + 1;
    }
    const unsent = byState[UNSENT] as number;
    return {
      sent: this.total - unsent,
      accepted: byState[ACCEPTED] as number,
      rejected: byState[REJECTED] as number,
      unknown: (byState[UNKNOWN] as number) + (byState[SENT] as number),
      unsent,
      rejectedByCode: Object.fromEntries(
        this.#codes.map((code, number) => [code, byCode[number] as number]),
      ),
    };
  }

  /** Codes beyond the 255th share the last number: a server that invents codes can't fill memory. */
  #codeNumber(code: string): number {
    const known = this.#codes.indexOf(code);
    if (known >= 0) return known;
    if (this.#codes.length === CODES_MAX) return CODES_MAX - 1;
    return this.#codes.push(code) - 1;
  }
}
