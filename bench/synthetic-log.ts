/** Fills a data folder's log with votes faster than any door could take them, through the real codec. */
import { SqliteCatalogue } from '../src/adapters/sqlite/catalogue.ts';
import { openSqliteLog } from '../src/adapters/sqlite/event-log.ts';
import { dataPaths } from '../src/compose/data-folder.ts';
import { BlockBuilder, encodeKey } from '../src/domain/counting/block.ts';
import {
  ACCEPTANCE_BOUND_MS,
  CLOCK_BOUND_MS,
  DEDUP_WINDOW_MS,
  type LogSettings,
} from '../src/domain/counting/log-settings.ts';
import type { PartitionBlock } from '../src/ports/event-log.ts';

export interface SyntheticLog {
  readonly folder: string;
  /** Different votes in the log. */
  readonly votes: number;
  readonly votesPerBlock: number;
  /** Every so many votes one comes a second time; 0: none does. */
  readonly repeatEvery: number;
  /** When the last vote was made, ms since the Unix epoch. */
  readonly endsAt: number;
}

export interface SyntheticLogResult {
  readonly settings: LogSettings;
  readonly repeats: number;
  readonly blocks: number;
  /** Of the blocks alone. */
  readonly bytes: number;
}

/** The rate that the ids' times tell of: the issue's peak. */
const VOTES_PER_MS = 50;
/** From the phone to the door. */
const TRAVEL_MS = 40;
const BLOCKS_PER_APPEND = 64;
const OPTIONS = ['ana', 'davi', 'marina'];
const SCOPE = 'demo';
const U32 = 0x1_0000_0000;

export async function writeSyntheticLog(log: SyntheticLog): Promise<SyntheticLogResult> {
  const paths = dataPaths(log.folder);
  await using catalogue = new SqliteCatalogue({ path: paths.catalogue });
  const settings = await catalogue.mintLogSettings({
    logId: 'bench',
    partitions: 1,
    dedupWindowMs: DEDUP_WINDOW_MS,
    clockBoundMs: CLOCK_BOUND_MS,
    acceptanceBoundMs: ACCEPTANCE_BOUND_MS,
  });
  const { logId, partitions } = settings;
  await using file = openSqliteLog({ path: paths.log, logId, partitions });
  const waiting: PartitionBlock[] = [];
  const total = { repeats: 0, blocks: 0, bytes: 0 };
  for (const { bytes, repeats } of sealedBlocks(log)) {
    total.repeats += repeats;
    total.blocks += 1;
    total.bytes += bytes.length;
    waiting.push({ partition: 0, bytes });
    if (waiting.length === BLOCKS_PER_APPEND) file.appendNow(waiting.splice(0));
  }
  if (waiting.length > 0) file.appendNow(waiting);
  return { settings, ...total };
}

function* sealedBlocks({ votes, votesPerBlock, repeatEvery, endsAt }: SyntheticLog) {
  const builder = new BlockBuilder(votesPerBlock);
  const keys = OPTIONS.map((item) => ({ bytes: encodeKey({ scope: SCOPE, item, lane: 'valid' }) }));
  const begunAt = endsAt - Math.ceil(votes / VOTES_PER_MS);
  const random = xorshift(0x9e3779b9);
  const last = { time: 0, x: 0, y: 0, z: 0, key: keys[0] ?? { bytes: new Uint8Array() } };
  let sequence = 0;
  let repeats = 0;
  let blockTime = begunAt;
  const seal = () => {
    sequence += 1;
    const sealed = { bytes: builder.seal(0, blockTime, { writerId: 1n, sequence }), repeats };
    repeats = 0;
    return sealed;
  };
  for (let vote = 0; vote < votes; vote += 1) {
    last.time = begunAt + Math.floor(vote / VOTES_PER_MS);
    last.x = random();
    last.y = random();
    last.z = random() & 0xffff;
    last.key = keys[vote % keys.length] ?? last.key;
    blockTime = last.time + TRAVEL_MS;
    builder.add(last.time, last.x, last.y, last.z, last.key, blockTime);
    if (builder.count === votesPerBlock) yield seal();
    if (repeatEvery === 0 || vote % repeatEvery !== 0) continue;
    repeats += 1;
    builder.add(last.time, last.x, last.y, last.z, last.key, blockTime);
    if (builder.count === votesPerBlock) yield seal();
  }
  if (builder.count > 0) yield seal();
}

/** Words that look random enough to be ids, the same in every run. */
function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state + U32) % U32;
  };
}
