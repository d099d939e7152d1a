/** What became of every item of a run (a vote, a pulse): three bytes an item, so that millions fit in memory. */

/**
 * - `unsent`: no byte of it has left.
 * - `sent`: on its way for the first time, no answer yet.
 * - `accepted`: the server acknowledged it.
 * - `rejected`: the server refused it, and no earlier try of it can have been logged.
 * - `unknown`: a try of it ended without an answer, or with one that does not say. A later
 *   acknowledgement settles it; a later refusal does not, because that earlier try may count.
 */
export type DeliveryState = 'unsent' | 'sent' | 'accepted' | 'rejected' | 'unknown';

const STATES: readonly DeliveryState[] = ['unsent', 'sent', 'accepted', 'rejected', 'unknown'];
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

export class DeliveryJournal {
  readonly total: number;
  readonly #state: Uint8Array;
  readonly #tries: Uint8Array;
  readonly #code: Uint8Array;
  readonly #codes: string[] = [];

  constructor(total: number) {
    this.total = total;
    this.#state = new Uint8Array(total);
    this.#tries = new Uint8Array(total);
    this.#code = new Uint8Array(total);
  }

  /** Notes an item that leaves for the first time. */
  sent(item: number): void {
    this.#state[item] = SENT;
    this.#tries[item] = 1;
  }

  /** Notes that an item leaves again, with the same id. */
  departedAgain(item: number): void {
    this.#tries[item] = Math.min(TRIES_MAX, this.triesOf(item) + 1);
  }

  /** The server acknowledged the item. */
  accepted(item: number): void {
    this.#state[item] = ACCEPTED;
  }

  /** The server refused this try. Returns what the item is now: `rejected`, or `unknown` still. */
  refused(item: number, code: string): DeliveryState {
    if (this.#state[item] !== SENT) return this.stateOf(item);
    this.#state[item] = REJECTED;
    this.#code[item] = this.#codeNumber(code);
    return 'rejected';
  }

  /** This try ended without an answer that says what became of the item. */
  lost(item: number): void {
    if (this.#state[item] === SENT) this.#state[item] = UNKNOWN;
  }

  stateOf(item: number): DeliveryState {
    return STATES[this.#state[item] as number] as DeliveryState;
  }

  triesOf(item: number): number {
    return this.#tries[item] as number;
  }

  /** Counts the entries one by one. What is `sent` without an answer counts as unknown. */
  totals(): JournalTotals {
    const byState = new Float64Array(STATES.length);
    const byCode = new Float64Array(CODES_MAX + 1);
    for (let item = 0; item < this.total; item += 1) {
      const state = this.#state[item] as number;
      byState[state] = (byState[state] as number) + 1;
      const code = this.#code[item] as number;
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
