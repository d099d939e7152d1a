/** What a store's worker of the bench tells once it has followed its log to the end. */
import { runToEnd } from './child.ts';
import { benchProgram, SERVER_CPU } from './programs.ts';

export interface FollowedLog {
  readonly elapsedMs: number;
  readonly steps: number;
  readonly counted: number;
  readonly duplicate: number;
  /** Ids in the dedup window at the end. */
  readonly windowIds: number;
  /** By how many bytes the process grew on the way. */
  readonly rssGrowth: number;
}

/** Lets one worker follow the folder's log, on one CPU. `url`: of the Redis that holds the tally, if one does. */
export async function followLog(
  store: 'tally' | 'ledger',
  folder: string,
  url = '',
): Promise<FollowedLog> {
  const command = benchProgram('store-worker.ts', store, folder, url);
  return JSON.parse(await runToEnd(command, { cpu: SERVER_CPU })) as FollowedLog;
}
