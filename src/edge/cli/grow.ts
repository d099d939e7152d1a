/** `apura grow`: makes a newer log with more partitions for the next polls; polls on the old one go on. */
import { ApuraError } from '../../domain/errors.ts';
import type { CliIo, ExitCode } from './cli-io.ts';
import { optionalIntegerFlag } from './flag.ts';
import { runCommand } from './run-command.ts';
import { givenSettings, SETTINGS_NOTE, type Setting, settingFlags } from './setting-flags.ts';

/** What an installation has become. */
export interface Grown {
  readonly logId: string;
  readonly partitions: number;
  /** The logs that it has now, the new one among them. */
  readonly logs: number;
  /** Partitions of the log that was the newest until now. */
  readonly before: number;
  readonly durability: string;
}

/** @throws ApuraError where no log can be made; a log that the catalogue does not know is never used. */
export type Grow = (
  settings: Readonly<Record<string, string>>,
  partitions: number,
) => Promise<Grown>;

export function runGrow(
  argv: readonly string[],
  io: CliIo,
  places: readonly Setting[],
  partitionsMax: number,
  grow: Grow,
): Promise<ExitCode> {
  const command = {
    name: 'apura grow',
    summary: 'Make a newer log, with another number of partitions, for the polls to come.',
    flags: {
      ...settingFlags(places),
      partitions: optionalIntegerFlag('event partitions of the new log', {
        min: 1,
        max: partitionsMax,
      }),
    },
    notes:
      'Polls stay on the log that they were made on; nothing is moved. Each run makes one more log. ' +
      SETTINGS_NOTE,
  };
  return runCommand(command, argv, io, async ({ partitions, ...values }) => {
    if (partitions === null) throw new ApuraError('usage', '--partitions says how many.');
    await io.stdout(words(await grow(givenSettings(places, values), partitions)));
    return 0;
  });
}

function words({ logId, partitions, logs, before, durability }: Grown): string {
  return `The log ${logId} is made: ${partitions} partitions (the newest had ${before}), durability ${durability}.
The installation has ${logs} logs now. Polls that there are stay where they are.

Start every process again, one by one, and wait for its /readyz:
  1. ingest, tally and ledger: doors and workers must know the log before polls are made on it
  2. sync
  3. query: from then on new polls are made on the new log
APURA_PARTITIONS may stay as it is.
`;
}
