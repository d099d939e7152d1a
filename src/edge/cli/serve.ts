/** `apura serve`: starts every role in one process, says where it is, and runs until told to stop. */
import type { CliIo, ExitCode } from './cli-io.ts';
import { type Flag, optionalTextFlag, switchFlag } from './flag.ts';
import { runCommand } from './run-command.ts';

/** A setting as the command line knows it. */
export interface Setting {
  /** As on the command line, in camel case: `httpPort`. */
  readonly flag: string;
  /** As in the environment: `APURA_HTTP_PORT`. */
  readonly variable: string;
  readonly help: string;
  readonly placeholder: string;
}

export interface ServingProcess {
  readonly url: string;
  readonly adminUrl: string;
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
  const flags: Record<string, Flag<string | null> | Flag<boolean>> = {};
  for (const { flag, variable, help, placeholder } of deps.settings) {
    flags[flag] = optionalTextFlag(`${help} (${variable})`, placeholder);
  }
  flags['validateConfig'] = switchFlag('check the settings and exit', false);
  const command = {
    name: 'apura serve',
    summary: 'Serve votes, results, pages and feeds: every role in one process.',
    flags,
    notes: 'Every setting is an environment variable too; a flag wins.',
  };
  return runCommand(command, argv, io, async (values) => {
    const given: Record<string, string> = {};
    for (const { flag, variable } of deps.settings) {
      const value = values[flag];
      if (typeof value === 'string') given[variable] = value;
    }
    if (values['validateConfig'] === true) {
      deps.check(given);
      await io.stdout('The settings are in order.\n');
      return 0;
    }
    const serving = await deps.start(given);
    await io.stdout(announcement(serving));
    return untilStopped(serving, io);
  });
}

function announcement({ url, adminUrl, token, durability, logId }: ServingProcess): string {
  const lines = [
    `Apura is ready: ${url}`,
    `  voters     ${url}/`,
    `  operators  ${adminUrl}/console`,
    `  API        ${adminUrl}/docs`,
    `  durability ${durability} (log ${logId})`,
  ];
  if (token.isNew) lines.push(`  token      ${token.value}   (shown this once)`);
  if (token.file !== null) lines.push(`  token file ${token.file}`);
  return `${lines.join('\n')}\n`;
}

async function untilStopped(serving: ServingProcess, io: CliIo): Promise<ExitCode> {
  const { promise: told, resolve } = Promise.withResolvers<null>();
  io.signal?.addEventListener('abort', () => resolve(null), { once: true });
  if (io.signal?.aborted === true) resolve(null);
  const failure = await Promise.race([told, serving.failed]);
  if (failure !== null) io.stderr(`stopping: ${failure.message}\n`);
  await serving.stop();
  return failure === null ? 0 : 1;
}
