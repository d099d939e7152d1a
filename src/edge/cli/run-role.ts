/** `apura ingest`, `tally`, `aggregate` and the others: one role in a process of its own, until told to stop. */
import type { CliIo, ExitCode } from './cli-io.ts';
import { switchFlag } from './flag.ts';
import { runCommand } from './run-command.ts';
import { givenSettings, SETTINGS_NOTE, type Setting, settingFlags } from './setting-flags.ts';
import { untilStopped } from './until-stopped.ts';

export interface RoleProcess {
  readonly url: string;
  /** Left out where the role has no gRPC port. */
  readonly grpcUrl?: string;
  readonly durability: string;
  /** Of the installation's logs, oldest first. */
  readonly logIds: readonly string[];
  /** Resolves where the process has to end by itself. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
}

export interface RoleDeps {
  readonly role: string;
  readonly summary: string;
  readonly settings: readonly Setting[];
  /** @throws ApuraError `invalid_config` where the values, by variable, are not in order. */
  readonly check: (values: Readonly<Record<string, string>>) => void;
  /** Starts with the given values, by variable. @throws ApuraError where it can't. */
  readonly start: (
    values: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ) => Promise<RoleProcess>;
  /** Left out where the role can only run on. */
  readonly once?: RoleOnce;
}

/** One run and its end instead of a process that runs on: `--once`. */
export interface RoleOnce {
  readonly help: string;
  /** Runs with the given values, by variable, and tells what came of it. @throws ApuraError where it can't. */
  readonly run: (
    values: Readonly<Record<string, string>>,
    signal: AbortSignal,
    io: CliIo,
  ) => Promise<ExitCode>;
}

export function runRole(argv: readonly string[], io: CliIo, deps: RoleDeps): Promise<ExitCode> {
  const { role, summary, settings, once } = deps;
  const command = {
    name: `apura ${role}`,
    summary,
    flags: {
      ...settingFlags(settings),
      validateConfig: switchFlag('check the settings and exit', false),
      ...(once === undefined ? {} : { once: switchFlag(once.help, false) }),
    },
    notes: SETTINGS_NOTE,
  };
  return runCommand(command, argv, io, async (values) => {
    const given = givenSettings(settings, values);
    if (values.validateConfig) {
      deps.check(given);
      await io.stdout('The settings are in order.\n');
      return 0;
    }
    const signal = io.signal ?? new AbortController().signal;
    if (once !== undefined && values.once) return once.run(given, signal, io);
    const started = await deps.start(given, signal);
    const grpc = started.grpcUrl === undefined ? '' : `  gRPC ${started.grpcUrl}\n`;
    await io.stdout(
      `Apura ${role} is ready: ${started.url}\n` +
        `  durability ${started.durability} (log ${started.logIds.join(', ')})\n${grpc}`,
    );
    return untilStopped(started, io);
  });
}
