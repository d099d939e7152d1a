/** An installation that grows while a poll is open: the old log goes on, the next poll has a log with more partitions. */
import { expect, test } from 'bun:test';
import {
  eventIdHex,
  idWords,
  mixScope,
  parseUuidV7,
  scopeSeed,
} from '../../src/domain/counting/event-id.ts';
import { ApiClient, type Json, voteKey } from '../support/api-client.ts';
import { type InstallationApart, startApart } from '../support/installation-apart.ts';
import { waitUntil } from '../support/wait-until.ts';

const OLD_PARTITIONS = 6;
const NEW_PARTITIONS = 12;
const VOTERS = 4;
/** Light: what is tested is that nothing is lost, not how fast. */
const PAUSE_MS = 10;
const RETRY_MS = 50;
/** Doors and workers first, then the referee, and the one that makes polls last. */
const RESTART_ORDER = ['ingest-1', 'ingest-2', 'tally-1', 'ledger-1', 'sync-1', 'query-1'];

/** Voters of one poll who send each vote again, with its key, until it is answered. */
class Crowd {
  /** What was acknowledged: option by key. */
  readonly acknowledged = new Map<string, string>();
  /** Answers that a voter does not expect while the poll is open, in words. */
  readonly surprises: string[] = [];
  retries = 0;
  readonly #doors: () => readonly string[];
  readonly #poll: string;
  readonly #voting: Promise<unknown>;
  #isOver = false;
  /** Sent, but with the poll's end unanswered. */
  readonly unknown = new Set<string>();

  constructor(poll: string, doors: () => readonly string[]) {
    this.#poll = poll;
    this.#doors = doors;
    this.#voting = Promise.all(Array.from({ length: VOTERS }, (_, voter) => this.#vote(voter)));
  }

  /** Waits until so many more votes are acknowledged. */
  async goesOn(more: number, when: string): Promise<void> {
    const from = this.acknowledged.size;
    await waitUntil(`${more} more votes in ${this.#poll} ${when}`, () => {
      return this.acknowledged.size >= from + more;
    });
  }

  /** Resolves once every voter has gone: at the poll's close, or when told. */
  async ends(): Promise<void> {
    this.#isOver = true;
    await this.#voting;
  }

  async #vote(voter: number): Promise<void> {
    let turn = voter;
    while (!this.#isOver) {
      const key = voteKey();
      const option = turn % 3 === 0 ? 'b' : 'a';
      for (;;) {
        const doors = this.#doors();
        turn += 1;
        const answer = await this.#send(doors[turn % doors.length] ?? '', option, key);
        if (answer?.status === 202) {
          this.acknowledged.set(key, option);
          this.unknown.delete(key);
          break;
        }
        if (answer?.json.code === 'poll_closed') return;
        if (answer !== null && answer.status !== 503) {
          this.surprises.push(`${answer.status} ${answer.text}`);
          break;
        }
        this.unknown.add(key);
        this.retries += 1;
        await Bun.sleep(RETRY_MS);
      }
      await Bun.sleep(PAUSE_MS);
    }
  }

  async #send(url: string, option: string, key: string) {
    try {
      return await new ApiClient(() => ({ url, token: '' })).vote(this.#poll, option, key);
    } catch {
      return null;
    }
  }
}

async function grow(apart: InstallationApart, partitions: number): Promise<string> {
  const { exitCode, stdout, stderr } = await apart.run(['grow', '--partitions', `${partitions}`]);
  if (exitCode !== 0) throw new Error(`apura grow ended with ${exitCode}: ${stderr}`);
  const logId = /^The log (\S+) is made/.exec(stdout)?.[1];
  if (logId === undefined) throw new Error(`apura grow said: ${stdout}`);
  return logId;
}

/** How an export names the vote that was sent with a key. */
function exportedIdIn(poll: string): (key: string) => string {
  const seed = scopeSeed(poll);
  return (key) => {
    const words = idWords();
    if (!parseUuidV7(key, words)) throw new Error(`${key} is no key.`);
    mixScope(words, seed);
    return eventIdHex(words);
  };
}

/** What every place that tells of a poll has to say of the crowd's votes. */
async function isWholeEverywhere(client: ApiClient, poll: string, crowd: Crowd): Promise<void> {
  const { acknowledged, unknown } = crowd;
  expect(crowd.surprises).toEqual([]);
  const counts = await client.countsAtRest(poll);
  expect(counts.total).toBeGreaterThanOrEqual(acknowledged.size);
  expect(counts.total).toBeLessThanOrEqual(acknowledged.size + unknown.size);

  const exported = await client.exportOf(poll, 'votes');
  const counted = exported.filter(({ state }) => state === 'counted');
  const options = new Map(counted.map(({ id, option }) => [String(id), String(option)]));
  // Once each, and for the option that was chosen.
  expect(options.size).toBe(counted.length);
  expect(counted.length).toBe(counts.total);
  const idOf = exportedIdIn(poll);
  const lost = [...acknowledged].filter(([key, option]) => options.get(idOf(key)) !== option);
  expect(lost).toEqual([]);
  const sent = new Set([...acknowledged.keys(), ...unknown].map(idOf));
  expect([...options.keys()].filter((id) => !sent.has(id))).toEqual([]);

  const report = (await client.mustBe(200, `/v1/polls/${poll}/report`)).json;
  expect(report).toMatchObject({ poll, total: counts.total });
  for (const key of [...acknowledged.keys()].slice(0, 20)) {
    expect((await client.receipt(poll, key)).status).toBe('counted');
  }
  const page = await client.operate(`/p/${poll}`);
  expect(page.status).toBe(200);
  expect(page.text).toContain(poll);
}

test('a log with twice the partitions takes the next poll while the old one is open, and no vote is lost', async () => {
  await using apart = await startApart({
    log: 'kafka',
    partitions: OLD_PARTITIONS,
    roles: { ingest: 2 },
  });
  const { client } = apart;
  try {
    const doors = (): readonly string[] => apart.ingestUrls;
    await client.openPoll('semifinal', { resultsVisibility: 'always', resultsDetail: 'count' });
    await waitUntil('the doors take votes', async () => {
      const answers = await Promise.all(
        ['ingest-1', 'ingest-2'].map((name) => apart.clientOf(name).vote('semifinal', 'nobody')),
      );
      return answers.every(({ json }) => json.code === 'option_not_found');
    });
    const old = new Crowd('semifinal', doors);
    await old.goesOn(50, 'before the growth');

    const newest = await grow(apart, NEW_PARTITIONS);
    await waitUntil('every process has noticed', async () => {
      const answers = await Promise.all(
        RESTART_ORDER.map((name) => apart.clientOf(name).ask('/readyz')),
      );
      return answers.every(({ status, text }) => status === 200 && text.includes(newest));
    });
    await waitUntil('an alarm says that the referee does not know the new log', async () => {
      return (await client.mustBe(200, '/v1/consistency')).text.includes(
        `the log ${newest} was made`,
      );
    });

    for (const name of RESTART_ORDER) {
      await apart.stop(name);
      await old.goesOn(10, `while ${name} is down`);
      await apart.restart(name);
    }
    await old.goesOn(20, 'after all were restarted');

    await client.openPoll('final', { resultsVisibility: 'always', resultsDetail: 'count' });
    await waitUntil('the doors take votes of the new poll', async () => {
      const answers = await Promise.all(
        ['ingest-1', 'ingest-2'].map((name) => apart.clientOf(name).vote('final', 'nobody')),
      );
      return answers.every(({ json }) => json.code === 'option_not_found');
    });
    const fresh = new Crowd('final', doors);
    await Promise.all([fresh.goesOn(100, 'beside the old'), old.goesOn(50, 'beside the new')]);

    await client.act('semifinal', 'close');
    await client.inState('semifinal', 'closed');
    await old.ends();
    await fresh.goesOn(50, 'when the old is closed');
    await fresh.ends();

    await isWholeEverywhere(client, 'semifinal', old);
    await isWholeEverywhere(client, 'final', fresh);
    const { json: report } = await client.mustBe(200, '/v1/polls/final/report?compare=semifinal');
    expect(report).toMatchObject({ logId: newest, final: false });
    const compared = (report.comparison as Json[]).map(({ poll, total }) => [poll, total]);
    expect(Object.fromEntries(compared)).toEqual({
      semifinal: (await client.counts('semifinal')).total,
      final: (await client.counts('final')).total,
    });
    const listed = (await client.mustBe(200, '/v1/polls')).json.items as Json[];
    expect(listed.map(({ id }) => id)).toEqual(['final', 'semifinal']);
    await waitUntil('log, tally and ledger say the same', async () => {
      const { state, drained, alarms } = (await client.mustBe(200, '/v1/consistency')).json;
      return state === 'consistent' && drained === true && (alarms as unknown[]).length === 0;
    });

    const { exitCode, balanced, partitions, stderr } = await apart.audit();
    expect({ exitCode, balanced, stderr }).toMatchObject({ exitCode: 0, balanced: true });
    const logOf = (scope: string) => {
      const within = partitions.filter(({ books }) => books.some((book) => book.scope === scope));
      return [...new Set(within.map(({ logId }) => logId))];
    };
    // The control partition of each log is one more.
    expect(partitions).toHaveLength(OLD_PARTITIONS + 1 + NEW_PARTITIONS + 1);
    expect(partitions.filter(({ logId }) => logId === newest)).toHaveLength(NEW_PARTITIONS + 1);
    expect(logOf('final')).toEqual([newest]);
    expect(logOf('semifinal')).not.toContain(newest);
    expect((await apart.run(['audit'])).stdout).toContain(`log ${newest}, partition 11:`);
    console.log(
      `semifinal ${old.acknowledged.size} votes, ${old.retries} retries; ` +
        `final ${fresh.acknowledged.size} votes, ${fresh.retries} retries`,
    );
  } catch (error) {
    console.error(apart.logs);
    throw error;
  }
}, 900_000);
