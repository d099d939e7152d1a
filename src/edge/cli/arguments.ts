/** The one reading of a command line: strict, so that a misspelt flag never runs as something else. */
import type { Flag } from './flag.ts';

/** A command's flags; each keeps its own type through `FlagValues`. */
export type Flags = Readonly<Record<string, Flag<unknown>>>;

export interface Positional {
  readonly name: string;
  readonly help: string;
}

export interface Command<F extends Flags> {
  /** As typed, such as `apura load`. */
  readonly name: string;
  /** One line for lists of commands. */
  readonly summary: string;
  /** Arguments without a name, all of them required, in order. */
  readonly positionals?: readonly Positional[];
  /** Any number of arguments behind those, also none. */
  readonly further?: Positional;
  /** By their name on the command line in camel case: `adminPort` is `--admin-port`. */
  readonly flags: F;
  /** More for `--help`: examples, notes. */
  readonly notes?: string;
}

export type FlagValues<F extends Flags> = {
  readonly [Name in keyof F]: F[Name] extends Flag<infer Value> ? Value : never;
};

export type ParsedArguments<F extends Flags> =
  | {
      readonly kind: 'run';
      readonly flags: FlagValues<F>;
      readonly positionals: readonly string[];
    }
  | { readonly kind: 'help' }
  /** Not understood; the message says why and what is known. */
  | { readonly kind: 'usage'; readonly message: string };

/**
 * Reads `--name value`, `--name=value`, `--no-name` for switches, and positionals; `--` ends the
 * flags. `--help` and `-h` win over everything else.
 */
export function parseArguments<F extends Flags>(
  command: Command<F>,
  argv: readonly string[],
): ParsedArguments<F> {
  const end = argv.indexOf('--');
  const beforeEnd = end === -1 ? argv : argv.slice(0, end);
  if (beforeEnd.includes('--help') || beforeEnd.includes('-h')) return { kind: 'help' };
  const split = splitArguments(command, beforeEnd);
  if ('message' in split) return { kind: 'usage', message: split.message };
  const positionals = [...split.positionals, ...(end === -1 ? [] : argv.slice(end + 1))];
  const wanted = command.positionals ?? [];
  const missing = wanted[positionals.length];
  if (missing !== undefined) {
    return { kind: 'usage', message: `${command.name} needs <${missing.name}>: ${missing.help}` };
  }
  const surplus = command.further === undefined ? positionals[wanted.length] : undefined;
  if (surplus !== undefined) {
    return { kind: 'usage', message: `${command.name} does not take the argument "${surplus}"` };
  }
  const flags: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(command.flags)) {
    const read = flag.read(split.texts.get(name) ?? []);
    if ('problem' in read) {
      return { kind: 'usage', message: `--${kebabCase(name)} ${read.problem}` };
    }
    flags[name] = read.value;
  }
  return { kind: 'run', flags: flags as FlagValues<F>, positionals };
}

interface SplitArguments {
  readonly texts: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
}

function splitArguments(
  command: Command<Flags>,
  argv: readonly string[],
): SplitArguments | { readonly message: string } {
  const texts = new Map<string, string[]>();
  const positionals: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at] ?? '';
    if (!argument.startsWith('-') || argument === '-') {
      positionals.push(argument);
      continue;
    }
    const equals = argument.indexOf('=');
    const given = equals === -1 ? argument : argument.slice(0, equals);
    const found = findFlag(command, given);
    if (found === null) return { message: unknownFlag(command, given) };
    let text = equals === -1 ? undefined : argument.slice(equals + 1);
    if (found.negated) {
      if (text !== undefined) return { message: `${given} takes no value` };
      text = 'false';
    } else if (text === undefined && found.flag.placeholder === null) {
      text = 'true';
    } else if (text === undefined) {
      text = argv[++at];
      if (text === undefined || text.startsWith('--')) {
        return { message: `${given} needs a value: ${given} ${found.flag.placeholder}` };
      }
    }
    const earlier = texts.get(found.name) ?? [];
    if (earlier.length > 0 && !found.flag.repeatable) {
      return { message: `--${kebabCase(found.name)} is given twice` };
    }
    texts.set(found.name, [...earlier, text]);
  }
  return { texts, positionals };
}

function findFlag(
  command: Command<Flags>,
  given: string,
): { readonly name: string; readonly flag: Flag<unknown>; readonly negated: boolean } | null {
  for (const [name, flag] of Object.entries(command.flags)) {
    if (given === `--${kebabCase(name)}`) return { name, flag, negated: false };
    if (flag.placeholder === null && given === `--no-${kebabCase(name)}`) {
      return { name, flag, negated: true };
    }
  }
  return null;
}

function unknownFlag(command: Command<Flags>, given: string): string {
  const known = Object.keys(command.flags).map((name) => `--${kebabCase(name)}`);
  return `${command.name} does not know ${given}; it knows ${[...known, '--help'].join(' ')}`;
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** What `--help` prints. */
export function helpText(command: Command<Flags>): string {
  const positionals = [
    ...(command.positionals ?? []).map(({ name, help }) => [`<${name}>`, help] as const),
    ...(command.further === undefined
      ? []
      : [[`[<${command.further.name}>…]`, command.further.help] as const]),
  ];
  const usage = [command.name, ...positionals.map(([syntax]) => syntax), '[flags]'].join(' ');
  const rows = [
    ...positionals,
    ...Object.entries(command.flags).map(
      ([name, flag]) => [flagSyntax(name, flag), flagHelp(flag)] as const,
    ),
    ['--help', 'this text'] as const,
  ];
  const width = Math.max(...rows.map(([syntax]) => syntax.length));
  const lines = rows.map(([syntax, help]) => `  ${syntax.padEnd(width)}  ${help}`);
  const notes = command.notes === undefined ? '' : `\n${command.notes}\n`;
  return `${command.summary}\n\nUsage: ${usage}\n\n${lines.join('\n')}\n${notes}`;
}

function flagSyntax(name: string, flag: Flag<unknown>): string {
  const kebab = kebabCase(name);
  if (flag.placeholder !== null) return `--${kebab} ${flag.placeholder}`;
  return flag.shownDefault === 'on' ? `--no-${kebab}` : `--${kebab}`;
}

function flagHelp(flag: Flag<unknown>): string {
  const isSwitch = flag.placeholder === null;
  return flag.shownDefault === '' || isSwitch
    ? flag.help
    : `${flag.help} (default ${flag.shownDefault})`;
}
