/**
 * Rebuilds a store whose workers run on: empties it partition by partition and watches them fill it from
 * the log again. Their owners are fenced, take over anew, and find that they have to begin at the start.
 */
import { START } from '../../domain/counting/checkpoint.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { LiveTally } from '../../ports/live-tally.ts';

export interface HaveRebuiltDeps {
  readonly log: Pick<EventLog, 'description' | 'bounds'>;
  readonly onProgress: (partition: number, offset: number, end: number) => void;
  /** A partition that does not move for so long has no worker. */
  readonly stillMsMax: number;
  /** Waits, or returns early when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const LOOK_MS = 250;
const EMPTY_TRIES_MAX = 100;

/** @throws ApuraError `not_ready`: nobody fills what was emptied; start a tally worker. */
export async function haveTallyRebuilt(deps: HaveRebuiltDeps, tally: LiveTally): Promise<void> {
  const empty = { checkpoint: START, counts: [], books: [], closes: [], acts: [] };
  const position = async (partition: number): Promise<number> =>
    (await tally.read(partition)).checkpoint.nextOffset;
  await haveRebuilt(deps, { name: 'tally', role: 'tally', position }, async (partition) => {
    // A worker moves the partition between the two: then it is tried again where it stands.
    for (let tries = 0; tries < EMPTY_TRIES_MAX; tries += 1) {
      const { checkpoint } = await tally.read(partition);
      if (await tally.replace(partition, checkpoint.nextOffset, empty)) return;
    }
    throw new ApuraError(
      'fenced',
      `Partition ${partition} of the tally moves too fast to be emptied.`,
    );
  });
}

/** @throws ApuraError `not_ready`: nobody fills what was emptied; start a ledger worker. */
export async function haveLedgerRebuilt(deps: HaveRebuiltDeps, ledger: Ledger): Promise<void> {
  const position = async (partition: number): Promise<number> =>
    (await ledger.read(partition)).checkpoint.nextOffset;
  const store = { name: 'ledger', role: 'ledger', position };
  await haveRebuilt(deps, store, (partition) => ledger.reset(partition));
}

/** A store that the workers of a role fill. */
export interface WatchedStore {
  readonly name: string;
  readonly role: string;
  /** The next offset that the store takes of a partition. */
  readonly position: (partition: number) => Promise<number>;
}

/** @throws ApuraError `not_ready`: nobody fills what `empty` has emptied. */
export async function haveRebuilt(
  deps: HaveRebuiltDeps,
  { name, role, position }: WatchedStore,
  empty: (partition: number) => Promise<void>,
): Promise<void> {
  const { log, onProgress, sleep, stillMsMax } = deps;
  const { signal } = new AbortController();
  for (let partition = 0; partition < log.description.partitions; partition += 1) {
    const { end } = await log.bounds(partition);
    await empty(partition);
    let at = 0;
    let stillMs = 0;
    while (at < end) {
      const nextOffset = await position(partition);
      stillMs = nextOffset === at ? stillMs + LOOK_MS : 0;
      at = nextOffset;
      onProgress(partition, at, end);
      if (at >= end) break;
      if (stillMs > stillMsMax) {
        const detail = `Partition ${partition} of the ${name} was emptied, and nobody fills it: start apura ${role}.`;
        throw new ApuraError('not_ready', detail);
      }
      await sleep(LOOK_MS, signal);
    }
  }
}
