/** What a measurement is: one part of the bench, which can be run and recorded by itself. */
import type { Figure } from './figure.ts';

export interface PartRun {
  /** Short runs, to see that everything works: their figures mean little. */
  readonly quick: boolean;
  /** An empty folder on the disk that is measured; removed afterwards. */
  readonly folder: string;
  /** Tells a person who waits how far it has got. */
  readonly say: (words: string) => void;
}

export interface PartResult {
  /** Rows of the table, in order. */
  readonly figures: readonly Figure[];
  /** Everything that was measured, for the record. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Part {
  readonly name: string;
  readonly title: string;
  /** Takes minutes: runs where it is named, and not with the others. */
  readonly onlyByName?: boolean;
  /** Says how it was measured, under the part's table. */
  readonly method: string;
  /** @throws where a count is wrong: a figure of a server that miscounts is worth nothing. */
  readonly run: (run: PartRun) => Promise<PartResult>;
}
