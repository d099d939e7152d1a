/** What every command shares: help, the words for a wrong command line, and exit codes. */
import { ApuraError } from '../../domain/errors.ts';
import {
  type Command,
  type Flags,
  type FlagValues,
  helpText,
  parseArguments,
} from './arguments.ts';
import type { CliIo, ExitCode } from './cli-io.ts';

/** Parses and runs one command. Never throws an ApuraError: it is told on standard error instead. */
export async function runCommand<F extends Flags>(
  command: Command<F>,
  argv: readonly string[],
  io: CliIo,
  action: (flags: FlagValues<F>, positionals: readonly string[]) => Promise<ExitCode>,
): Promise<ExitCode> {
  const parsed = parseArguments(command, argv);
  switch (parsed.kind) {
    case 'help':
      await io.stdout(helpText(command));
      return 0;
    case 'usage':
      io.stderr(`usage: ${parsed.message}\nSee ${command.name} --help\n`);
      return 2;
    case 'run':
      return reportErrors(io, () => action(parsed.flags, parsed.positionals));
  }
}

/** A command that only chooses among others: `apura`, `apura poll`. */
export interface CommandGroup {
  /** As typed, such as `apura poll`. */
  readonly name: string;
  readonly summary: string;
  readonly commands: Readonly<Record<string, Subcommand>>;
}

export interface Subcommand {
  readonly summary: string;
  run(argv: readonly string[], io: CliIo): Promise<ExitCode>;
}

/** Runs the subcommand that the first argument names. */
export async function runGroup(
  group: CommandGroup,
  argv: readonly string[],
  io: CliIo,
): Promise<ExitCode> {
  const [name, ...rest] = argv;
  if (name === '--help' || name === '-h' || name === 'help') {
    await io.stdout(groupHelp(group));
    return 0;
  }
  const known = Object.keys(group.commands);
  if (name === undefined || !known.includes(name)) {
    const what = name === undefined ? 'needs a command' : `does not know "${name}"`;
    io.stderr(`usage: ${group.name} ${what}; it knows ${known.join(', ')}\n`);
    io.stderr(`See ${group.name} --help\n`);
    return 2;
  }
  return group.commands[name]?.run(rest, io) ?? 2;
}

function groupHelp(group: CommandGroup): string {
  const width = Math.max(...Object.keys(group.commands).map((name) => name.length));
  const lines = Object.entries(group.commands).map(
    ([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`,
  );
  const usage = `Usage: ${group.name} <command> [flags]`;
  const more = `Each command explains itself: ${group.name} <command> --help`;
  return `${group.summary}\n\n${usage}\n\n${lines.join('\n')}\n\n${more}\n`;
}

/** Turns an ApuraError into its code and words on standard error, and exit code 1 (2 for `usage`). */
export async function reportErrors(io: CliIo, action: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof ApuraError)) throw error;
    io.stderr(`${error.code}: ${error.message}\n`);
    return error.code === 'usage' ? 2 : 1;
  }
}
