/** How long a soak goes on: for some rounds at least, and for as many hours as HOURS asks for. */

const HOUR_MS = 3_600_000;

export class SoakTime {
  readonly #startedAt = performance.now();
  readonly #hours = Number(process.env.HOURS ?? 0);
  readonly #roundsMin: number;

  constructor(roundsMin: number) {
    this.#roundsMin = roundsMin;
  }

  get elapsedSeconds(): number {
    return (performance.now() - this.#startedAt) / 1_000;
  }

  /** Whether another round is to follow so many. */
  goesOn(rounds: number): boolean {
    return rounds < this.#roundsMin || this.elapsedSeconds * 1_000 < this.#hours * HOUR_MS;
  }
}
