/** What became of every vote of a run, and what it was: eight bytes a vote, so that millions fit in memory. */
import { DeliveryJournal } from './delivery-journal.ts';

export class VoteJournal extends DeliveryJournal {
  /** Ids' times are kept as ms behind this instant (server time, ms since the Unix epoch). */
  readonly #baseTime: number;
  readonly #idTime: Uint32Array;
  readonly #option: Uint8Array;

  constructor(total: number, baseTime: number) {
    super(total);
    this.#baseTime = baseTime;
    this.#idTime = new Uint32Array(total);
    this.#option = new Uint8Array(total);
  }

  /** Notes a vote that leaves for the first time. */
  departed(vote: number, option: number, idTime: number): void {
    this.#option[vote] = option;
    this.#idTime[vote] = idTime - this.#baseTime;
    this.sent(vote);
  }

  optionOf(vote: number): number {
    return this.#option[vote] as number;
  }

  /** The time inside the vote's id, ms since the Unix epoch; meaningless while `unsent`. */
  idTimeOf(vote: number): number {
    return this.#baseTime + (this.#idTime[vote] as number);
  }
}
