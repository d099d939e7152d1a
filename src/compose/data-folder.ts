/** The data folder: its files by name, its lock, and the secrets that are made at the first start. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lockFolder } from '../adapters/sqlite/folder-lock.ts';
import { ADMIN_TOKEN_LENGTH_MIN } from '../config/config.ts';
import { ApuraError } from '../domain/errors.ts';

const SECRET_BYTES = 32;

/** Where everything of one installation lies. */
export interface DataPaths {
  readonly folder: string;
  readonly catalogue: string;
  readonly log: string;
  readonly tally: string;
  readonly ledger: string;
  readonly pulseLog: string;
  readonly usageLog: string;
  readonly pulseLedger: string;
  readonly rating: string;
  readonly meteringCatalogue: string;
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
    pulseLog: at('pulse-log.db'),
    usageLog: at('usage-log.db'),
    pulseLedger: at('pulse-ledger.db'),
    rating: at('rating.db'),
    meteringCatalogue: at('metering-catalogue.db'),
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

/**
 * The operators' token in the folder, and whether it was made just now.
 *
 * @throws ApuraError `invalid_config`: the file holds no token that could be one.
 */
export function adminToken(paths: DataPaths): { readonly token: string; readonly isNew: boolean } {
  const isNew = !existsSync(paths.adminToken);
  if (isNew) writeWhole(paths.adminToken, `${randomBytes(SECRET_BYTES).toString('base64url')}\n`);
  const token = readFileSync(paths.adminToken, 'utf8').trim();
  if (token.length < ADMIN_TOKEN_LENGTH_MIN) throw tooShort(paths.adminToken);
  return { token, isNew };
}

/**
 * The key that results tokens are signed with: made once, never shown.
 *
 * @throws ApuraError `invalid_config`: the file holds no key, or not all of one.
 */
export function signingSecret(paths: DataPaths): Uint8Array {
  if (!existsSync(paths.secret)) writeWhole(paths.secret, randomBytes(SECRET_BYTES));
  const secret = readFileSync(paths.secret);
  if (secret.length < SECRET_BYTES) throw tooShort(paths.secret);
  return secret;
}

/** For the owner alone, and whole or not at all: half of a secret would be one that can be guessed. */
function writeWhole(path: string, content: string | Uint8Array): void {
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, content, { mode: 0o600, flag: 'wx', flush: true });
  renameSync(draft, path);
}

function tooShort(path: string): ApuraError {
  const mend = 'delete it, and the next start makes a new one';
  return new ApuraError('invalid_config', `${path} is too short to be secret: ${mend}.`);
}
