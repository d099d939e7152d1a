/** What a vote costs on disk, by the size of the block that it came in. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { atMost, bytes, type Figure, noted } from './figure.ts';
import { logFileBytes } from './log-file.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { writeSyntheticLog } from './synthetic-log.ts';

const VOTES_PER_BLOCK = [10, 100, 500, 2_000, 8_000] as const;
const GOAL_FROM_VOTES = 500;
const BYTES_MAX = 24;

async function run({ folder, quick }: PartRun): Promise<PartResult> {
  const figures: Figure[] = [];
  const sizes = [];
  for (const votesPerBlock of VOTES_PER_BLOCK) {
    const into = join(folder, String(votesPerBlock));
    mkdirSync(into);
    const votes = quick ? 200_000 : 1_000_000;
    const written = await writeSyntheticLog({
      folder: into,
      votes,
      votesPerBlock,
      repeatEvery: 0,
      endsAt: Date.now(),
    });
    const blockBytes = written.bytes / votes;
    const fileBytes = logFileBytes(into) / votes;
    sizes.push({ votesPerBlock, blockBytes, fileBytes });
    const what = `On disk a vote, in blocks of ${votesPerBlock.toLocaleString('en-US')}`;
    figures.push(
      votesPerBlock < GOAL_FROM_VOTES
        ? noted(what, bytes(fileBytes))
        : atMost(what, fileBytes, BYTES_MAX, bytes),
    );
  }
  return { figures, details: { sizes } };
}

export const logSizePart: Part = {
  name: 'log-size',
  title: 'The log on disk',
  method:
    'Votes of one poll with three options, sealed by the real codec into a new SQLite log; the size of ' +
    'the closed file by its votes.',
  run,
};
