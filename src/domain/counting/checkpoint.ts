/** How far one store has got in one partition, with all that a restart needs to decide as before. */
export interface Checkpoint {
  /** The offset of the first block that this store has not applied. */
  readonly nextOffset: number;
  /** Running maximum of block times up to `nextOffset`, ms since the Unix epoch; 0 before any block. */
  readonly logTime: number;
  /** The first offset that still holds an id inside the dedup window: reading restarts here. */
  readonly windowStartOffset: number;
  /** CRC32C of block `nextOffset - 1`: another value there means another or a rewound log. 0 at the start. */
  readonly lastBlockCrc: number;
}

export const START: Checkpoint = {
  nextOffset: 0,
  logTime: 0,
  windowStartOffset: 0,
  lastBlockCrc: 0,
};
