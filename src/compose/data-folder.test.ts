import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  adminToken,
  claimFolder,
  type DataPaths,
  dataPaths,
  signingSecret,
} from './data-folder.ts';

let parent: string;
let paths: DataPaths;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'apura-folder-'));
  paths = dataPaths(join(parent, 'deep', 'data'));
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('the data folder', () => {
  test('has a file of its own for everything', () => {
    const { folder, ...files } = paths;
    const all = Object.values(files);
    expect(new Set(all).size).toBe(all.length);
    for (const file of all) expect(file.startsWith(`${folder}/`)).toBe(true);
  });

  test('is made where there is none, for its owner alone', () => {
    using _ = claimFolder(paths);
    expect(modeOf(paths.folder)).toBe(0o700);
  });

  test('has one owner at a time', () => {
    const claim = claimFolder(paths);
    expect(() => claimFolder(paths)).toThrow(
      expect.objectContaining({ code: 'data_folder_locked' }),
    );
    claim[Symbol.dispose]();
    claimFolder(paths)[Symbol.dispose]();
  });
});

describe.each([
  ['operators’ token', (of: DataPaths) => of.adminToken, (of: DataPaths) => adminToken(of).token],
  [
    'signing secret',
    (of: DataPaths) => of.secret,
    (of: DataPaths) => Buffer.from(signingSecret(of)).toString('hex'),
  ],
] as const)('the %s', (_, fileOf, secretOf) => {
  let claim: Disposable;
  beforeEach(() => {
    claim = claimFolder(paths);
  });
  afterEach(() => claim[Symbol.dispose]());

  test('is made once, and is the same at every later start', () => {
    const secret = secretOf(paths);
    expect(secretOf(paths)).toBe(secret);
    expect(secret.length).toBeGreaterThanOrEqual(43);
  });

  test('is another one in every folder', () => {
    const other = dataPaths(join(parent, 'other'));
    using _other = claimFolder(other);
    expect(secretOf(other)).not.toBe(secretOf(paths));
  });

  test('is readable for its owner alone', () => {
    secretOf(paths);
    expect(modeOf(fileOf(paths))).toBe(0o600);
  });

  test('is never half of one: a start that died while writing left nothing that counts', () => {
    writeFileSync(`${fileOf(paths)}.new`, 'hal', { mode: 0o644 });
    const secret = secretOf(paths);
    expect(secret.length).toBeGreaterThanOrEqual(43);
    expect(modeOf(fileOf(paths))).toBe(0o600);
    expect(readdirSync(paths.folder).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  test.each(['', '\n', 'short'])(
    'is refused where its file holds %p: it could be guessed',
    (text) => {
      writeFileSync(fileOf(paths), text);
      expect(() => secretOf(paths)).toThrow(
        expect.objectContaining({
          code: 'invalid_config',
          message: expect.stringContaining(fileOf(paths)),
        }),
      );
      expect(readFileSync(fileOf(paths), 'utf8')).toBe(text);
    },
  );
});

describe('the operators’ token', () => {
  test('tells the start that made it from those that found it', () => {
    using _ = claimFolder(paths);
    expect(adminToken(paths).isNew).toBe(true);
    expect(adminToken(paths).isNew).toBe(false);
  });

  test('may be one that an operator wrote, with or without a line break behind it', () => {
    using _ = claimFolder(paths);
    writeFileSync(paths.adminToken, 'my-own-long-token-of-27-chars\n');
    expect(adminToken(paths)).toEqual({ token: 'my-own-long-token-of-27-chars', isNew: false });
    expect(existsSync(`${paths.adminToken}.new`)).toBe(false);
  });
});
