/** What the ingest server of the bench tells of itself. */

export interface IngestBooks {
  readonly received: number;
  readonly accepted: number;
  readonly refused: number;
  readonly unknown: number;
  /** Blocks of events in its log. */
  readonly blocks: number;
}

export async function readIngestBooks(url: string): Promise<IngestBooks> {
  return (await (await fetch(url)).json()) as IngestBooks;
}
