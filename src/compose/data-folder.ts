/** The data folder: its files by name, its lock, and the secrets that are made at the first start. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lockFolder } from '../adapters/sqlite/folder-lock.ts';

const SECRET_BYTES = 32;

/** Where everything of one installation lies. */
export interface DataPaths {
  readonly folder: string;
  readonly catalogue: string;
  readonly log: string;
  readonly tally: string;
  readonly ledger: string;
  readonly adminToken: string;
  readonly secret: string;
}

export function dataPaths(folder: string): DataPaths {
  const at = (name: string): string => join(folder, name);
  return {
    folder,
    catalogue: at('catalogue.db'),
    log: at('log.db'),
    tally: at('tally.db'),
    ledger: at('ledger.db'),
    adminToken: at('admin-token'),
    secret: at('secret'),
  };
}

/**
 * Makes the folder where there is none, for its owner alone, and locks it.
 *
 * @throws ApuraError `data_folder_locked`.
 */
export function claimFolder(paths: DataPaths): Disposable {
  mkdirSync(paths.folder, { recursive: true, mode: 0o700 });
  return lockFolder(paths.folder);
}

/** The operators' token in the folder, and whether it was made just now. */
export function adminToken(paths: DataPaths): { readonly token: string; readonly isNew: boolean } {
  if (existsSync(paths.adminToken)) {
    return { token: readFileSync(paths.adminToken, 'utf8').trim(), isNew: false };
  }
  const token = randomBytes(SECRET_BYTES).toString('base64url');
  writeFileSync(paths.adminToken, `${token}\n`, { mode: 0o600, flag: 'wx', flush: true });
  return { token, isNew: true };
}

/** The key that results tokens are signed with: made once, never shown. */
export function signingSecret(paths: DataPaths): Uint8Array {
  if (!existsSync(paths.secret)) {
    writeFileSync(paths.secret, randomBytes(SECRET_BYTES), {
      mode: 0o600,
      flag: 'wx',
      flush: true,
    });
  }
  return readFileSync(paths.secret);
}
