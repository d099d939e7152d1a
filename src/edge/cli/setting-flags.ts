/** The settings as flags: each environment variable has a flag of the same name, and the flag wins. */
import type { Flag } from './flag.ts';
import { optionalTextFlag } from './flag.ts';

/** A setting as the command line knows it. */
export interface Setting {
  /** As on the command line, in camel case: `httpPort`. */
  readonly flag: string;
  /** As in the environment: `APURA_HTTP_PORT`. */
  readonly variable: string;
  readonly help: string;
  readonly placeholder: string;
}

export const SETTINGS_NOTE = 'Every setting is an environment variable too; a flag wins.';

export function settingFlags(settings: readonly Setting[]): Record<string, Flag<string | null>> {
  const flags: Record<string, Flag<string | null>> = {};
  for (const { flag, variable, help, placeholder } of settings) {
    flags[flag] = optionalTextFlag(`${help} (${variable})`, placeholder);
  }
  return flags;
}

/** The given ones of the flags' values, by variable. */
export function givenSettings(
  settings: readonly Setting[],
  values: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const given: Record<string, string> = {};
  for (const { flag, variable } of settings) {
    const value = values[flag];
    if (typeof value === 'string') given[variable] = value;
  }
  return given;
}
