/** Votes taken by a door are in a real Cassandra once each, although it and the role that fills it were killed and paused. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import {
  eventIdHex,
  idWords,
  mixScope,
  parseUuidV7,
  scopeSeed,
} from '../../src/domain/counting/event-id.ts';
import { voteKey } from '../support/api-client.ts';
import { type InstallationApart, startApart } from '../support/installation-apart.ts';
import { waitUntil } from '../support/wait-until.ts';

const START_MS = 300_000;
const STORY_MS = 400_000;
const CATCH_UP_MS = 150_000;
/** Votes between two disasters. */
const PORTION = 150;
const RETRY_MS = 50;
const EVER = ['--from', '2020-01-01T00:00:00Z', '--to', '2100-01-01T00:00:00Z'];

/** A vote as an export of the archive tells it. */
interface Archived {
  readonly id: string;
  readonly poll: string;
  readonly option: string;
  readonly lane: string;
  readonly accepted_at: string;
  readonly logged_at: string;
  readonly partition: number;
  readonly offset: number;
}

let apura: InstallationApart;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apura-vote-archive-'));
  apura = await startApart({
    log: 'kafka',
    archive: true,
    roles: { ingest: 1, query: 1, tally: 0, ledger: 1, sync: 0, archive: 1 },
    partitions: 2,
    env: { APURA_ARCHIVE_VOTES: '1' },
  });
}, START_MS);
afterAll(async () => {
  await apura[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Writes archived votes to a file; resolves to its path. */
async function exported(format: string, ...argv: readonly string[]): Promise<string> {
  const out = join(folder, `votes.${format}`);
  const command = ['archive-export', '--what', 'votes', '--format', format, '--force', ...argv];
  const { exitCode, stderr } = await apura.run([...command, '--out', out]);
  expect([exitCode, stderr]).toEqual([0, '']);
  return out;
}

async function archivedVotes(...argv: readonly string[]): Promise<readonly Archived[]> {
  const text = readFileSync(await exported('ndjson', ...argv), 'utf8');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Archived);
}

/** How often each id is there. */
function copiesOf(archived: readonly Archived[]): ReadonlyMap<string, number> {
  const found = Map.groupBy(archived, ({ id }) => id);
  return new Map([...found].map(([id, rows]) => [id, rows.length]));
}

/** How exports name the vote that was sent with a key. */
function exportedId(poll: string, key: string): string {
  const words = idWords();
  if (!parseUuidV7(key, words)) throw new Error(`${key} is no key.`);
  mixScope(words, scopeSeed(poll));
  return eventIdHex(words);
}

/** How often a vote is in the log: as often as it was answered with 202, and perhaps where nobody knows. */
interface Copies {
  logged: number;
  unknown: number;
}

/** Sends votes one after the other until it is told to end; every third is sent twice, as a retry is. */
class Voter {
  /** By the id that exports name a vote with. */
  readonly copies = new Map<string, Copies>();
  sent = 0;
  readonly poll: string;
  readonly #voting: Promise<void>;
  #isOver = false;

  constructor(poll: string) {
    this.poll = poll;
    this.#voting = this.#vote();
  }

  async goesOn(when: string): Promise<void> {
    const from = this.sent;
    await waitUntil(`votes come in ${when}`, () => this.sent > from + PORTION, CATCH_UP_MS);
  }

  async ends(): Promise<void> {
    this.#isOver = true;
    await this.#voting;
  }

  async #vote(): Promise<void> {
    const door = apura.clientOf('ingest-1');
    for (let turn = 0; !this.#isOver; turn += 1) {
      const key = voteKey();
      const copies: Copies = { logged: 0, unknown: 0 };
      this.copies.set(exportedId(this.poll, key), copies);
      for (const wanted = turn % 3 === 0 ? 2 : 1; copies.logged < wanted; ) {
        const { status, json, text } = await door.vote(this.poll, turn % 4 === 0 ? 'b' : 'a', key);
        if (status === 202) copies.logged += 1;
        else if (json.code === 'outcome_unknown') copies.unknown += 1;
        else if (status === 503) await Bun.sleep(RETRY_MS);
        else throw new Error(`A vote was answered ${status}: ${text}`);
      }
      this.sent += copies.logged;
    }
  }
}

test(
  'each logged vote is archived once, and the first copies are the ledger’s rows',
  async () => {
    const { cassandra, client } = apura;
    if (cassandra === null) throw new Error('Something is to be archived.');
    for (const poll of ['final', 'beside']) {
      await client.openPoll(poll);
      await apura.takesVotes(poll);
    }
    const voters = [new Voter('final'), new Voter('beside')];
    const [voter] = voters;
    await voter?.goesOn('before anything happens');
    await waitUntil(
      'some is archived',
      async () => (await archivedVotes('--poll', 'final')).length > 0,
      CATCH_UP_MS,
    );
    await cassandra.kill();
    await voter?.goesOn('without the archive');
    await apura.kill('archive-1');
    await cassandra.start();
    await apura.restart('archive-1');
    await voter?.goesOn('while the archive catches up');
    cassandra.pause();
    await voter?.goesOn('while the archive stands still');
    cassandra.resume();
    await apura.kill('archive-1');
    await apura.restart('archive-1');
    await voter?.goesOn('to the end');
    await Promise.all(voters.map((each) => each.ends()));

    for (const { poll, copies } of voters) {
      const archived = await waitUntil(
        `all of ${poll} is archived`,
        async () => {
          const found = await archivedVotes('--poll', poll);
          const counts = copiesOf(found);
          const isWhole = [...copies].every(([id, { logged }]) => (counts.get(id) ?? 0) >= logged);
          return isWhole && found;
        },
        CATCH_UP_MS,
      );
      const ids = new Set(copies.keys());
      for (const [id, count] of copiesOf(archived)) {
        const { logged, unknown } = copies.get(id) ?? { logged: 0, unknown: 0 };
        expect(count).toBeWithin(logged, logged + unknown + 1);
      }
      const rows = () => client.exportOf(poll, 'votes');
      await waitUntil('the ledger has all', async () => (await rows()).length === ids.size);
      const told = archived
        .toSorted((left, right) => left.offset - right.offset)
        .filter(({ id }) => ids.delete(id))
        .map(({ id, option, accepted_at: acceptedAt, partition, offset }) => {
          return { id, option, acceptedAt, state: 'counted', partition, offset };
        });
      const byId = (left: { id?: unknown }, right: { id?: unknown }) =>
        String(left.id) < String(right.id) ? -1 : 1;
      expect(told.toSorted(byId)).toEqual([...(await rows())].sort(byId) as typeof told);
    }

    const all = await archivedVotes(...EVER);
    expect(new Set(all.map(({ poll }) => poll))).toEqual(new Set(['final', 'beside']));
    const csv = readFileSync(await exported('csv', ...EVER), 'utf8');
    expect(csv.split('\r\n')).toHaveLength(all.length + 2);
    const file = await asyncBufferFromFile(await exported('parquet', ...EVER));
    expect((await parquetReadObjects({ file })).map(({ id }) => id)).toEqual(
      all.map(({ id }) => id),
    );
    await waitUntil('the archive is ready', async () => {
      const { status } = await fetch(`${apura.process('archive-1').url}/readyz`);
      return status === 200;
    });
  },
  STORY_MS,
);
