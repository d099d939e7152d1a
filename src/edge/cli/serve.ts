/** `apura serve`: starts every role in one process, says where it is, and runs until told to stop. */
import type { CliIo, ExitCode } from './cli-io.ts';
import { switchFlag } from './flag.ts';
import { runCommand } from './run-command.ts';
import { givenSettings, SETTINGS_NOTE, type Setting, settingFlags } from './setting-flags.ts';
import { untilStopped } from './until-stopped.ts';

export interface ServingProcess {
  readonly url: string;
  readonly adminUrl: string;
  readonly grpcUrl: string;
  readonly token: { readonly value: string; readonly isNew: boolean; readonly file: string | null };
  readonly durability: string;
  readonly logId: string;
  /** Resolves where the process has to end by itself. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
}

export interface ServeDeps {
  readonly settings: readonly Setting[];
  /** @throws ApuraError `invalid_config` where the values, by variable, are not in order. */
  readonly check: (values: Readonly<Record<string, string>>) => void;
  /** Starts with the given values, by variable. @throws ApuraError where it can't. */
  readonly start: (values: Readonly<Record<string, string>>) => Promise<ServingProcess>;
}

export function runServe(argv: readonly string[], io: CliIo, deps: ServeDeps): Promise<ExitCode> {
  const command = {
    name: 'apura serve',
    summary: 'Serve votes, results, pages and feeds: every role in one process.',
    flags: {
      ...settingFlags(deps.settings),
      validateConfig: switchFlag('check the settings and exit', false),
    },
    notes: SETTINGS_NOTE,
  };
  return runCommand(command, argv, io, async (values) => {
    const given = givenSettings(deps.settings, values);
    if (values.validateConfig) {
      deps.check(given);
      await io.stdout('The settings are in order.\n');
      return 0;
    }
    const serving = await deps.start(given);
    await io.stdout(announcement(serving));
    return untilStopped(serving, io);
  });
}

function announcement(serving: ServingProcess): string {
  const { url, adminUrl, grpcUrl, token, durability, logId } = serving;
  const lines = [
    `Apura is ready: ${url}`,
    `  voters     ${url}/`,
    `  operators  ${adminUrl}/console`,
    `  API        ${adminUrl}/docs`,
    `  gRPC       ${grpcUrl}`,
    `  durability ${durability} (log ${logId})`,
  ];
  if (token.isNew) lines.push(`  token      ${token.value}   (shown this once)`);
  if (token.file !== null) lines.push(`  token file ${token.file}`);
  return `${lines.join('\n')}\n`;
}
