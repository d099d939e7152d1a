/** The roles that run one per process, by name: known to the command line before any is loaded. */
/** Every role with what its command says of itself. */
export const ROLES = {
  ingest: 'Take votes and pulses: a door of its own; run as many as there is load for.',
  tally: 'Keep the live tally up with the log; several share the partitions out.',
  ledger: 'Write every vote to the ledger; several share the partitions out.',
  query: 'Answer everything but votes: pages, API, results and live feeds.',
  aggregate: 'Bring pulses into the ledger, and usage on its way to rating.',
  rate: 'Turn usage into charges.',
  archive: 'Keep a raw backup of every pulse, and of every vote where that is set.',
  sync: 'Hold tally and ledger against the log, repair the tally, close polls.',
} as const;
export type Role = keyof typeof ROLES;
