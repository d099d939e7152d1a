/** `apura rebuild tally|ledger|pulses`: empties a store and fills it again from the log. */
import type { CliIo, ExitCode } from './cli-io.ts';
import { createProgress } from './progress.ts';
import { reportErrors, runCommand, runGroup } from './run-command.ts';
import { givenSettings, SETTINGS_NOTE, type Setting, settingFlags } from './setting-flags.ts';

/** `pulses`: the pulse ledger. */
export type RebuiltStore = 'tally' | 'ledger' | 'pulses';

export type RebuildStore = (
  settings: Readonly<Record<string, string>>,
  store: RebuiltStore,
  onProgress: (partition: number, offset: number, end: number) => void,
) => Promise<void>;

const STORES = {
  tally: 'Count the live tally anew from the log.',
  ledger: 'Write the ledger anew from the log.',
  pulses: 'Write the pulse ledger anew from the log of pulses, and let rating take its usage.',
} as const satisfies Record<RebuiltStore, string>;

const NAMES: Record<RebuiltStore, string> = {
  tally: 'tally',
  ledger: 'ledger',
  pulses: 'pulse ledger',
};

export function runRebuild(
  argv: readonly string[],
  io: CliIo,
  places: readonly Setting[],
  rebuildStore: RebuildStore,
): Promise<ExitCode> {
  const subcommand = (store: keyof typeof STORES) => ({
    summary: STORES[store],
    run: (rest: readonly string[], inner: CliIo) =>
      rebuild(store, rest, inner, places, rebuildStore),
  });
  return runGroup(
    {
      name: 'apura rebuild',
      summary: 'Rebuilds a store from the log. Stop `apura serve` first; roles apart must run on.',
      commands: {
        tally: subcommand('tally'),
        ledger: subcommand('ledger'),
        pulses: subcommand('pulses'),
      },
    },
    argv,
    io,
  );
}

function rebuild(
  store: keyof typeof STORES,
  argv: readonly string[],
  io: CliIo,
  places: readonly Setting[],
  rebuildStore: RebuildStore,
): Promise<ExitCode> {
  const command = {
    name: `apura rebuild ${store}`,
    summary: STORES[store],
    flags: settingFlags(places),
    notes: SETTINGS_NOTE,
  };
  return runCommand(command, argv, io, (values) =>
    reportErrors(io, async () => {
      const progress = createProgress(io, `rebuild ${store}`);
      await rebuildStore(givenSettings(places, values), store, progress.at);
      progress.end();
      await io.stdout(`The ${NAMES[store]} is rebuilt from the log. Check it with apura audit.\n`);
      return 0;
    }),
  );
}
