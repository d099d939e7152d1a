/** `apura migrate`: brings the schema of ledger and catalogue up to date, before the first process does it by itself. */
import type { CliIo, ExitCode } from './cli-io.ts';
import { runCommand } from './run-command.ts';
import { givenSettings, SETTINGS_NOTE, type Setting, settingFlags } from './setting-flags.ts';

/** Resolves to the versions before and after. @throws ApuraError where it can't. */
export type Migrate = (
  settings: Readonly<Record<string, string>>,
) => Promise<{ readonly from: number; readonly to: number }>;

export function runMigrate(
  argv: readonly string[],
  io: CliIo,
  places: readonly Setting[],
  migrate: Migrate,
): Promise<ExitCode> {
  const command = {
    name: 'apura migrate',
    summary: 'Bring the schema of ledger and catalogue up to date.',
    flags: settingFlags(places),
    notes: `Every process does so by itself at its start. ${SETTINGS_NOTE}`,
  };
  return runCommand(command, argv, io, async (values) => {
    const { from, to } = await migrate(givenSettings(places, values));
    const words =
      from === to ? `is at version ${to} already` : `went from version ${from} to ${to}`;
    await io.stdout(`The schema ${words}.\n`);
    return 0;
  });
}
