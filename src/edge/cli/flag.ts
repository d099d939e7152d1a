/** The kinds of flag that a command can declare, each with its own strict reading. */
import { parseDuration } from '../../config/duration.ts';

/** A text that is not a value of the flag, and why. */
export interface BadValue {
  readonly problem: string;
}

/** One `--name` of a command. `Value` is what the command receives, given or not. */
export interface Flag<Value> {
  readonly help: string;
  /** What stands for the value in help, such as `URL`; null for a flag without one. */
  readonly placeholder: string | null;
  /** How help writes the default; empty for none. */
  readonly shownDefault: string;
  /** The value from every text given for the flag, in order; none was given where empty. */
  read(texts: readonly string[]): { readonly value: Value } | BadValue;
  readonly repeatable: boolean;
}

function singleFlag<Value>(
  help: string,
  placeholder: string,
  fallback: Value,
  shownDefault: string,
  parse: (text: string) => { readonly value: Value } | BadValue,
): Flag<Value> {
  return {
    help,
    placeholder,
    shownDefault,
    repeatable: false,
    read: ([text]) => (text === undefined ? { value: fallback } : parse(text)),
  };
}

/** Any text that is not empty. */
export function textFlag(help: string, placeholder: string, fallback: string): Flag<string> {
  return singleFlag(help, placeholder, fallback, fallback, readText);
}

/** Any text that is not empty; null where the flag is not given. */
export function optionalTextFlag(help: string, placeholder: string): Flag<string | null> {
  return singleFlag<string | null>(help, placeholder, null, '', readText);
}

/** Any number of texts, by repeating the flag. */
export function listFlag(help: string, placeholder: string): Flag<readonly string[]> {
  return {
    help: `${help} (repeatable)`,
    placeholder,
    shownDefault: '',
    repeatable: true,
    read: (texts) =>
      texts.includes('') ? { problem: 'must not be empty' } : { value: [...texts] },
  };
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** A whole number in a range. */
export function integerFlag(help: string, fallback: number, range: Range): Flag<number> {
  return singleFlag(help, 'N', fallback, String(fallback), (text) => readInteger(text, range));
}

/** A whole number in a range; null where the flag is not given. */
export function optionalIntegerFlag(help: string, range: Range): Flag<number | null> {
  return singleFlag<number | null>(help, 'N', null, '', (text) => readInteger(text, range));
}

/** A decimal number in a range. */
export function numberFlag(help: string, fallback: number, range: Range): Flag<number> {
  return singleFlag(help, 'X', fallback, String(fallback), (text) =>
    /^\d+(\.\d+)?$/.test(text) ? inRange(Number(text), range) : { problem: 'must be a number' },
  );
}

/** A duration such as `30s`, in milliseconds. `fallback` is written the same way. */
export function durationFlag(help: string, fallback: string, range: Range): Flag<number> {
  const fallbackMs = parseDuration(fallback) ?? 0;
  return singleFlag(help, 'TIME', fallbackMs, fallback, (text) => {
    const ms = parseDuration(text);
    if (ms === null) return { problem: 'must be a number and a unit: 500ms, 30s, 5m, 1h' };
    if (ms >= range.min && ms <= range.max) return { value: ms };
    return { problem: `must lie between ${range.min} ms and ${range.max / 1_000} s` };
  });
}

/** One of a closed list; the first is the default. */
export function choiceFlag<const Choice extends string>(
  help: string,
  choices: readonly [Choice, ...Choice[]],
): Flag<Choice> {
  return singleFlag(choiceHelp(help, choices), 'WORD', choices[0], choices[0], (text) =>
    readChoice(text, choices),
  );
}

/** One of a closed list; null where the flag is not given. */
export function optionalChoiceFlag<const Choice extends string>(
  help: string,
  choices: readonly Choice[],
): Flag<Choice | null> {
  return singleFlag<Choice | null>(choiceHelp(help, choices), 'WORD', null, '', (text) =>
    readChoice(text, choices),
  );
}

/** On or off: `--name`, `--no-name`, `--name=true`, `--name=false`. */
export function switchFlag(help: string, fallback: boolean): Flag<boolean> {
  return {
    help,
    placeholder: null,
    shownDefault: fallback ? 'on' : '',
    repeatable: false,
    read: ([text]) => {
      if (text === undefined) return { value: fallback };
      if (text === 'true' || text === 'false') return { value: text === 'true' };
      return { problem: 'takes no value' };
    },
  };
}

function choiceHelp(help: string, choices: readonly string[]): string {
  return `${help}: ${choices.join(', ')}`;
}

function readText(text: string): { readonly value: string } | BadValue {
  return text === '' ? { problem: 'must not be empty' } : { value: text };
}

function readInteger(text: string, range: Range): { readonly value: number } | BadValue {
  return /^\d{1,15}$/.test(text)
    ? inRange(Number(text), range)
    : { problem: 'must be a whole number' };
}

function inRange(value: number, { min, max }: Range): { readonly value: number } | BadValue {
  return value >= min && value <= max
    ? { value }
    : { problem: `must lie between ${min} and ${max}` };
}

function readChoice<Choice extends string>(
  text: string,
  choices: readonly Choice[],
): { readonly value: Choice } | BadValue {
  const value = choices.find((choice) => choice === text);
  return value === undefined ? { problem: `must be one of ${choices.join(', ')}` } : { value };
}
