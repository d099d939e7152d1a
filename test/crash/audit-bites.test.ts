/** The audit bites: whatever is changed behind Apura's back, in a store or in the log, it is found and named. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { copyFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { auditFolder } from '../../src/compose/offline.ts';
import { ApuraError } from '../../src/domain/errors.ts';
import { ApiClient, type Json } from '../support/api-client.ts';
import { type Audit, auditOf, Installation, temporaryFolder } from '../support/installation.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { type RunningServe, runApura, startServe } from '../support/serve.ts';
import { waitUntil } from '../support/wait-until.ts';

const PARTITIONS = 2;
/** A second of votes a poll. */
const RATE = ['--rate', '1500', '--duration', '1s'];
const POLLS = ['left', 'right'];
const DAMAGES = 60;

/** A folder at rest, with some thousand votes; cases work on copies of it. */
let sound: string;
const copies: string[] = [];

async function loadPolls(apura: { readonly url: string; readonly token: string }): Promise<void> {
  for (const poll of POLLS) {
    const server = ['--url', apura.url, '--token', apura.token, '--poll', poll];
    const { exitCode, stdout, stderr } = await runApura(['load', ...server, ...RATE]);
    if (exitCode !== 0) throw new Error(stdout + stderr);
  }
}

beforeAll(async () => {
  await using apura = await Installation.start({
    env: { APURA_PARTITIONS: String(PARTITIONS) },
  });
  for (const poll of POLLS) await apura.client.openPoll(poll);
  await loadPolls(apura);
  await apura.client.drained();
  expect(await apura.serving.kill('SIGTERM')).toBe(0);
  sound = temporaryFolder();
  cpSync(apura.dataDir, sound, { recursive: true });
});
afterAll(() => {
  for (const folder of [sound, ...copies]) rmSync(folder, { recursive: true, force: true });
});

function copyOfSound(): string {
  const folder = temporaryFolder();
  copies.push(folder);
  cpSync(sound, folder, { recursive: true });
  return folder;
}

/** Runs SQL on a file of a folder, as a hand at the wrong place would. */
function edit(folder: string, file: string, sql: string): void {
  const database = new DatabaseSync(join(folder, file));
  try {
    const { changes } = database.prepare(sql).run();
    if (changes !== 1) throw new Error(`${sql} changed ${changes} rows.`);
  } finally {
    database.close();
  }
}

/** Audits in words and as JSON, and wants exit code 1 of both; resolves to both. */
async function mustBite(
  folder: string,
): Promise<{ readonly words: string; readonly audit: Audit }> {
  const { exitCode, stdout, stderr } = await runApura(['audit', '--data', folder]);
  const audit = await auditOf(folder);
  expect([exitCode, audit.exitCode, audit.balanced]).toEqual([1, 1, false]);
  // An error in words, never the trace of a crash.
  expect(stderr).not.toContain('    at ');
  return { words: stdout + stderr, audit };
}

async function mustBeSound(folder: string): Promise<void> {
  expect(await auditOf(folder)).toMatchObject({ exitCode: 0, balanced: true });
}

async function rebuild(folder: string, store: 'tally' | 'ledger'): Promise<void> {
  const { exitCode, stderr } = await runApura(['rebuild', store, '--data', folder]);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
}

/** The row of a partition and poll that a case spoils. */
const COUNT_ROW = (partition: number, poll: string): string =>
  `(key, minute, partition) = (SELECT key, minute, partition FROM minute_count JOIN key USING (key)
    WHERE partition = ${partition} AND scope = '${poll}' LIMIT 1)`;

describe('the audit of a sound folder', () => {
  test('balances, and says what it has read', async () => {
    const folder = copyOfSound();
    const { exitCode, stdout } = await runApura(['audit', '--data', folder]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('The books balance.');
    const { partitions } = await auditOf(folder);
    for (const poll of POLLS) {
      const books = partitions.flatMap((each) => each.books).filter(({ scope }) => scope === poll);
      expect(books.reduce((sum, { counted }) => sum + counted, 0)).toBe(1_500);
      // Both partitions have votes of the poll, or the cases below spoil nothing.
      expect(books).toHaveLength(PARTITIONS);
    }
  });
});

describe('the audit names store, partition and poll', () => {
  test('where one count of the tally was edited; a rebuild mends it', async () => {
    const folder = copyOfSound();
    edit(
      folder,
      'tally.db',
      `UPDATE minute_count SET count = count + 1 WHERE ${COUNT_ROW(1, 'left')}`,
    );
    const { words, audit } = await mustBite(folder);
    const differences = audit.partitions.flatMap((each) => each.differences);
    expect(differences).toHaveLength(1);
    const [difference] = differences;
    expect(difference).toMatchObject({ store: 'tally', partition: 1, scope: 'left' });
    expect(difference?.found).toBe(Number(difference?.expected) + 1);
    expect(words).toContain('DIFFERENT tally, partition 1, poll left');
    await rebuild(folder, 'tally');
    await mustBeSound(folder);
  });

  test('where one row of the ledger is gone; a rebuild mends it', async () => {
    const folder = copyOfSound();
    edit(
      folder,
      'ledger.db',
      `DELETE FROM vote WHERE id = (SELECT id FROM vote JOIN key USING (key)
        WHERE partition = 0 AND scope = 'right' LIMIT 1)`,
    );
    const { words, audit } = await mustBite(folder);
    const differences = audit.partitions.flatMap((each) => each.differences);
    expect(differences.length).toBeGreaterThan(0);
    for (const each of differences) {
      expect(each).toMatchObject({ store: 'ledger rows', partition: 0, scope: 'right' });
      expect(each.found).toBe(each.expected - 1);
    }
    expect(words).toContain('DIFFERENT ledger rows, partition 0, poll right');
    await rebuild(folder, 'ledger');
    await mustBeSound(folder);
  });

  test('where a row of the ledger was given to another option', async () => {
    const folder = copyOfSound();
    edit(
      folder,
      'ledger.db',
      `UPDATE vote SET key = (SELECT key FROM key WHERE scope = 'left' AND item = 'b' LIMIT 1)
        WHERE id = (SELECT id FROM vote JOIN key USING (key)
          WHERE partition = 1 AND scope = 'left' AND item = 'a' LIMIT 1)`,
    );
    const { words } = await mustBite(folder);
    expect(words).toContain('DIFFERENT ledger rows, partition 1, poll left, option a');
    expect(words).toContain('DIFFERENT ledger rows, partition 1, poll left, option b');
  });

  test('where a window of the ledger was edited; a rebuild mends it', async () => {
    const folder = copyOfSound();
    edit(
      folder,
      'ledger.db',
      `UPDATE minute_count SET count = count - 1 WHERE ${COUNT_ROW(0, 'left')}`,
    );
    const { words, audit } = await mustBite(folder);
    const [difference, ...others] = audit.partitions.flatMap((each) => each.differences);
    expect(others).toEqual([]);
    expect(difference).toMatchObject({ store: 'ledger windows', partition: 0, scope: 'left' });
    expect(words).toContain('DIFFERENT ledger windows, partition 0, poll left');
    await rebuild(folder, 'ledger');
    await mustBeSound(folder);
  });

  test('where a store was set to a position that it has not reached', async () => {
    const folder = copyOfSound();
    edit(
      folder,
      'tally.db',
      'UPDATE progress SET next_offset = next_offset - 1 WHERE partition = 1',
    );
    const { words } = await mustBite(folder);
    expect(words).toContain('DIFFERENT tally, partition 1');
    await rebuild(folder, 'tally');
    await mustBeSound(folder);
  });
});

/** The bytes of a block in the middle of a partition, and where they lie in the log's file. */
function blockInFile(
  folder: string,
  partition: number,
): { readonly at: number; readonly offset: number } {
  const path = join(folder, 'log.db');
  const database = new DatabaseSync(path, { readOnly: true });
  const base = (partition + 1) * 2 ** 44;
  const row = database
    .prepare(
      `SELECT position, bytes FROM block WHERE position BETWEEN ? AND ?
        ORDER BY abs(position - ?) LIMIT 1`,
    )
    .get(base, base + 2 ** 44 - 1, base + 20);
  database.close();
  const bytes = row?.bytes;
  if (!(bytes instanceof Uint8Array)) throw new Error('The log has no block.');
  const at = readFileSync(path).indexOf(bytes);
  if (at < 0) throw new Error('The block does not lie in one piece.');
  return { at: at + (bytes.length >> 1), offset: Number(row?.position) - base };
}

describe('the audit finds damage to the log itself', () => {
  test('one flipped bit of a block: which partition, which block', async () => {
    const folder = copyOfSound();
    const { at, offset } = blockInFile(folder, 1);
    const path = join(folder, 'log.db');
    const bytes = readFileSync(path);
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    writeFileSync(path, bytes);
    const { words, audit } = await mustBite(folder);
    const failure = audit.partitions.find(({ partition }) => partition === 1)?.failure;
    expect(failure?.code).toBe('log_corrupt');
    expect(failure?.message).toContain(`Block ${offset} of partition 1`);
    expect(words).toContain(`Block ${offset} of partition 1`);
    // A store is never rebuilt from a log that is not whole as if it were.
    const mended = await runApura(['rebuild', 'tally', '--data', folder]);
    expect(mended.exitCode).toBe(1);
    expect(mended.stderr).toContain('log_corrupt: ');
  });

  test('a log that ends earlier than its stores', async () => {
    const folder = copyOfSound();
    edit(folder, 'log.db', 'DELETE FROM block WHERE position = (SELECT max(position) FROM block)');
    const { words, audit } = await mustBite(folder);
    const last = PARTITIONS - 1;
    const failure = audit.partitions.find(({ partition }) => partition === last)?.failure;
    expect(failure?.code).toBe('log_rewound');
    expect(words).toContain(`Partition ${last}`);
  });

  test('a block that is missing in the middle', async () => {
    const folder = copyOfSound();
    const { offset } = blockInFile(folder, 0);
    edit(folder, 'log.db', `DELETE FROM block WHERE position = ${2 ** 44 + offset}`);
    const { words } = await mustBite(folder);
    expect(words).toContain('log_corrupt');
    expect(words).toContain(`Partition 0 has no block ${offset}`);
  });

  test('another log in its place, which the server refuses too', async () => {
    await using other = await Installation.start({ env: { APURA_PARTITIONS: `${PARTITIONS}` } });
    for (const poll of POLLS) await other.client.openPoll(poll);
    await other.client.votes('left', 'a', 10);
    await other.serving.kill('SIGTERM');
    const folder = copyOfSound();
    copyFileSync(join(other.dataDir, 'log.db'), join(folder, 'log.db'));
    expect((await mustBite(folder)).words).toContain('log_mismatch');
    const serve = {
      APURA_DATA: folder,
      APURA_HTTP_PORT: '0',
      APURA_GRPC_PORT: '0',
      APURA_LOG_LEVEL: 'silent',
    };
    const { exitCode, stderr, stdout } = await runApura(['serve'], serve);
    expect(stdout).toBe('');
    expect(stderr).toContain('log_mismatch: ');
    expect(exitCode).toBe(1);
  });

  test('an older copy of the same log', async () => {
    const folder = copyOfSound();
    await voteIn(folder, 'left', 'a', 12);
    copyFileSync(join(sound, 'log.db'), join(folder, 'log.db'));
    const { words } = await mustBite(folder);
    expect(words).toContain('log_rewound');
  });

  test('a branch of the same log, as two processes on two copies of a folder make it', async () => {
    const [folder, branch] = [copyOfSound(), copyOfSound()];
    await voteIn(folder, 'left', 'a', 12);
    await voteIn(branch, 'left', 'b', 12);
    copyFileSync(join(branch, 'log.db'), join(folder, 'log.db'));
    const { audit } = await mustBite(folder);
    const found = audit.partitions.flatMap((each) => [
      ...each.differences.map(({ store, scope }) => `${store} ${scope}`),
      ...(each.failure === null ? [] : [each.failure.code]),
    ]);
    expect(found).not.toEqual([]);
  });
});

/** Serves a folder for so many votes, and lets it come to rest. */
async function voteIn(dataDir: string, poll: string, option: string, count: number): Promise<void> {
  const serving = await startServe({ dataDir });
  const client = new ApiClient(() => serving);
  await client.votes(poll, option, count);
  await client.drained();
  await serving.kill('SIGTERM');
}

/** What the audit makes of a folder, in this process: the books where they balance, else the objection. */
async function objectionTo(folder: string): Promise<string | null> {
  try {
    const audits = await auditFolder(folder, () => {});
    const objections = audits.flatMap(({ failure, differences }) => [
      ...(failure === null ? [] : [failure.code]),
      ...differences.map(({ store }) => `different ${store}`),
    ]);
    return objections[0] ?? null;
  } catch (error) {
    // Anything else is a crash, not an answer.
    if (!(error instanceof ApuraError)) throw error;
    return error.code;
  }
}

describe('a log file that is damaged at any place', () => {
  const random = new SeededRandom();

  test('opens as it was or is objected to, whichever bit was flipped', async () => {
    console.log(`flipped bits: SEED=${random.seed}`);
    const folder = copyOfSound();
    const path = join(folder, 'log.db');
    const whole = readFileSync(path);
    let objected = 0;
    for (let damage = 0; damage < DAMAGES; damage += 1) {
      const at = random.below(whole.length);
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      writeFileSync(path, bytes);
      // Null: the audit read every block, found each whole, and every store agreed with them.
      if ((await objectionTo(folder)) !== null) objected += 1;
    }
    console.log(
      `flipped bits: ${objected} of ${DAMAGES} objected to, the others lie in unused space`,
    );
    expect(objected).toBeGreaterThan(0);
  });

  test('is objected to, wherever it was cut', async () => {
    console.log(`cuts: SEED=${random.seed}`);
    const folder = copyOfSound();
    const path = join(folder, 'log.db');
    const whole = readFileSync(path);
    const pages = whole.length / 4_096;
    const cuts = [
      ...Array.from({ length: DAMAGES / 2 }, () => random.below(whole.length)),
      ...Array.from({ length: DAMAGES / 2 }, () => random.below(pages) * 4_096),
      0,
      1,
      whole.length - 1,
    ];
    for (const length of cuts) {
      writeFileSync(path, whole.subarray(0, length));
      const objection = await objectionTo(folder);
      expect([length, objection]).toEqual([length, expect.any(String)]);
    }
  });
});

describe('a running server', () => {
  /** What the first comparison after `checkedAt` came to. */
  const consistencyOf = async (serving: RunningServe, checkedAt: unknown = null): Promise<Json> => {
    const client = new ApiClient(() => serving);
    return waitUntil('the stores were compared', async () => {
      const { json } = await client.mustBe(200, '/v1/consistency');
      return json.checkedAt !== checkedAt && json;
    });
  };

  test('says that its stores differ, where; and after a rebuild that they agree', async () => {
    const folder = copyOfSound();
    let serving = await startServe({ dataDir: folder });
    try {
      expect(await consistencyOf(serving)).toMatchObject({ state: 'consistent', detail: null });
      await serving.kill('SIGTERM');
      edit(
        folder,
        'tally.db',
        `UPDATE minute_count SET count = count + 1 WHERE ${COUNT_ROW(1, 'right')}`,
      );
      serving = await startServe({ dataDir: folder });
      const { state, detail, checkedAt } = await consistencyOf(serving);
      expect(state).toBe('different');
      expect(detail).toContain('partition 1, poll right');
      const client = new ApiClient(() => serving);
      expect(await client.metric('apura_reconciliation_difference')).toBeGreaterThan(0);
      // The light does not go green by itself, whatever is voted meanwhile.
      await client.votes('left', 'a', 5);
      await client.drained();
      expect(await consistencyOf(serving, checkedAt)).toMatchObject({ state: 'different', detail });
      await serving.kill('SIGTERM');
      await rebuild(folder, 'tally');
      serving = await startServe({ dataDir: folder });
      expect(await consistencyOf(serving)).toMatchObject({ state: 'consistent', detail: null });
    } finally {
      await serving.kill('SIGKILL');
    }
  });

  test('stops counting on a log that was set back, and says so', async () => {
    const folder = copyOfSound();
    await voteIn(folder, 'left', 'a', 12);
    copyFileSync(join(sound, 'log.db'), join(folder, 'log.db'));
    const serving = await startServe({ dataDir: folder, env: { APURA_LOG_LEVEL: 'fatal' } });
    try {
      const client = new ApiClient(() => serving);
      const parts = await waitUntil('tally and ledger have stopped', async () => {
        const { json } = await client.ask('/readyz');
        const all = json.parts as readonly { name: string; ready: boolean; detail: string }[];
        const stopped = all.filter(({ ready }) => !ready);
        return stopped.length === 2 && stopped;
      });
      expect(parts.map(({ name }) => name).sort()).toEqual(['ledger', 'tally']);
      for (const { detail } of parts) expect(detail).toContain('Partition');
      await waitUntil('it has said why', () => serving.log.includes('log_rewound'));
      await waitUntil('the counts are stale', async () => (await client.counts('left')).stale);
    } finally {
      await serving.kill('SIGKILL');
    }
  });
});
