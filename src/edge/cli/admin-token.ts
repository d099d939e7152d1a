/** Where a command finds the operators' token: as told, or where `apura serve` keeps it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApuraError } from '../../domain/errors.ts';
import { optionalTextFlag } from './flag.ts';

/** The flags that name a token, for every command that speaks to the operators' routes. */
export const TOKEN_FLAGS = {
  token: optionalTextFlag("the operators' token (default: $APURA_ADMIN_TOKEN)", 'TOKEN'),
  tokenFile: optionalTextFlag(
    'the file that holds it (default: admin-token in $APURA_DATA or ./data)',
    'FILE',
  ),
};

export interface TokenSources {
  readonly token: string | null;
  readonly tokenFile: string | null;
}

/**
 * The first of: `--token`, `--token-file`, APURA_ADMIN_TOKEN, `admin-token` in the data folder. Null
 * where there is none.
 *
 * @throws ApuraError `usage`: the file that was named can't be read or is empty.
 */
export async function findToken(
  { token, tokenFile }: TokenSources,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  if (token !== null) return token;
  if (tokenFile !== null) {
    const found = await readToken(tokenFile);
    if (found === null) throw new ApuraError('usage', `There is no token in ${tokenFile}.`);
    return found;
  }
  const fromEnv = env.APURA_ADMIN_TOKEN;
  if (fromEnv !== undefined && fromEnv !== '') return fromEnv;
  return readToken(join(env.APURA_DATA || 'data', 'admin-token'));
}

async function readToken(file: string): Promise<string | null> {
  try {
    const text = (await readFile(file, 'utf8')).trim();
    return text === '' ? null : text;
  } catch {
    return null;
  }
}
