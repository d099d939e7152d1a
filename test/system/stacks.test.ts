/**
 * One story on every stack, from outside: a poll is made, voted in through every door, watched, paused,
 * closed, reported and audited, and whoever looks, wherever, sees the same numbers. They add up.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type Answer, type Json, type PollCounts, voteKey } from '../support/api-client.ts';
import { LiveViewer } from '../support/live-viewer.ts';
import { type CommandEnd, runApura } from '../support/serve.ts';
import { STACKS, type Stack, type StackProcess } from '../support/stacks.ts';
import { waitUntil } from '../support/wait-until.ts';

const POLL = 'paredao';
const OPTIONS = ['ana', 'davi', 'marina'];
/** A PNG of one pixel. */
const PNG = Uint8Array.fromBase64(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
);
const START_MS = 300_000;

/** What the poll must count, as its voters were answered. */
class Expected {
  readonly votes: Record<string, number> = Object.fromEntries(OPTIONS.map((id) => [id, 0]));
  /** Answers that said that a vote is in the log, repeats among them. */
  accepted = 0;
  /** Tries beside them that the log may hold as well: their answer was that nobody knows, or none. */
  doubtful = 0;

  count(option: string, votes = 1): void {
    this.votes[option] = (this.votes[option] ?? 0) + votes;
  }

  get total(): number {
    return Object.values(this.votes).reduce((sum, count) => sum + count, 0);
  }
}

describe.each(Object.keys(STACKS))('on %s', (name) => {
  const expected = new Expected();
  const resources = new AsyncDisposableStack();
  let stack: Stack;
  let reader: StackProcess;
  let otherReader: StackProcess;

  beforeAll(async () => {
    const started = await STACKS[name]?.();
    if (started === undefined) throw new Error(`There is no stack ${name}.`);
    stack = resources.use(started);
    [reader, otherReader] = stack.readers;
  }, START_MS);
  afterAll(() => resources.disposeAsync());

  /** Runs a command against a process, as an operator. */
  const apura = (process: StackProcess, ...argv: readonly string[]): Promise<CommandEnd> =>
    runApura([...argv, '--url', process.url], { APURA_ADMIN_TOKEN: stack.token });

  /** Sends until the answer is another one than not now, which a process gives that stood still for a second. */
  const answered = <T extends { readonly status: number; readonly text: string }>(
    send: () => Promise<T>,
  ): Promise<T> =>
    waitUntil('a vote is answered', async () => {
      const answer = await send();
      if (answer.status !== 503) return answer;
      if (!isRefusal(answer.text)) expected.doubtful += 1;
      return false;
    });

  const sendVote = ({ client }: Pick<StackProcess, 'client'>, option: string, key = voteKey()) =>
    answered(() => client.vote(POLL, option, key));

  const formVote = (process: StackProcess, option: string, key: string) =>
    answered(async () => {
      const response = await fetch(`${process.url}/p/${POLL}`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin: process.url },
        body: new URLSearchParams({ option, key }),
      });
      return { status: response.status, text: await response.text() };
    });

  const everyDoor = (what: string, code: string): Promise<unknown> =>
    Promise.all(
      stack.doors.map(({ name: door, client }) =>
        // A door looks at the option last: no vote is cast.
        waitUntil(`${door} ${what}`, async () => {
          return (await client.vote(POLL, 'nobody')).json.code === code;
        }),
      ),
    );

  const sameEverywhere = async (): Promise<PollCounts> => {
    let counts = await reader.client.countsAtRest(POLL);
    // A mark of time in the log may come between the two: then they are asked once more.
    await waitUntil('both readers show the same', async () => {
      counts = await reader.client.countsAtRest(POLL);
      return Bun.deepEquals(await otherReader.client.countsAtRest(POLL), counts);
    });
    expect(counts).toMatchObject({ votes: expected.votes, total: expected.total, stale: false });
    return counts;
  };

  /**
   * Votes at every door, again and again, while something happens that ends it: from before it, when each
   * door has taken a vote, until each has refused one. Resolves to all answers.
   */
  const whileVoting = async (happen: () => Promise<void>) => {
    const answers: { readonly answer: Answer; readonly answeredAt: number }[] = [];
    const doubtful: string[] = [];
    const takers = new Set<StackProcess>();
    const refusers = new Set<StackProcess>();
    let over = false;
    const voters = stack.doors.map(async (door) => {
      while (!over) {
        const key = voteKey();
        const answer = await door.client.vote(POLL, 'marina', key);
        if (answer.status === 503) {
          if (!isRefusal(answer.text)) doubtful.push(key);
          continue;
        }
        answers.push({ answer, answeredAt: Date.now() });
        (answer.status === 202 ? takers : refusers).add(door);
      }
    });
    const all = (doors: ReadonlySet<StackProcess>): boolean => doors.size === stack.doors.length;
    try {
      await waitUntil('every door has taken a vote', () => all(takers));
      await happen();
      await waitUntil('every door has refused a vote', () => all(refusers));
    } finally {
      over = true;
      await Promise.all(voters);
    }
    const accepted = answers.filter(({ answer }) => answer.status === 202);
    expected.count('marina', accepted.length);
    expected.accepted += accepted.length;
    if (doubtful.length > 0) {
      for (const { client, name: door } of stack.doors) {
        await waitUntil(`no vote waits in ${door}`, async () => {
          return (await client.metric('apura_votes_pending')) === 0;
        });
      }
      await reader.client.drained();
      for (const key of doubtful) {
        if ((await reader.client.receipt(POLL, key)).status === 'counted') expected.count('marina');
      }
      expected.doubtful += doubtful.length;
    }
    return {
      accepted,
      refused: answers.filter(({ answer }) => answer.status !== 202),
      acceptedAt: accepted.map(({ answer }) => Date.parse(String(answer.json.acceptedAt))),
    };
  };

  test('a poll is made with options and a picture, and opened for every door', async () => {
    const options = OPTIONS.map((id) => ({ id, name: id.toUpperCase() }));
    const body = {
      id: POLL,
      title: 'Quem deve sair?',
      options,
      resultsVisibility: 'always',
      resultsDetail: 'count',
      timeZone: 'America/Sao_Paulo',
    };
    expect((await reader.client.mustBe(201, '/v1/polls', { body })).json.state).toBe('draft');
    const uploaded = await fetch(`${reader.url}/v1/polls/${POLL}/options/ana/image`, {
      method: 'PUT',
      headers: { 'content-type': 'image/png', authorization: `Bearer ${stack.token}` },
      body: PNG,
    });
    expect(uploaded.status).toBe(200);
    const [ana] = ((await uploaded.json()) as { options: { imageUrl: string }[] }).options;
    const image = await fetch(otherReader.url + ana?.imageUrl);
    expect(await image.bytes()).toEqual(PNG);

    const { updatedAt, serverTime } = await reader.client.act(POLL, 'open');
    expect([updatedAt, serverTime].every((time) => typeof time === 'string')).toBe(true);
    await everyDoor('takes votes', 'option_not_found');
    await otherReader.client.inState(POLL, 'open');
    expect((await otherReader.client.ask(`/p/${POLL}`)).text).toContain('ANA');
  });

  test('a vote is counted once through whichever doors it comes, and is seen at once', async () => {
    using viewer = new LiveViewer(otherReader.url, `/v1/polls/${POLL}/live`);
    await viewer.message('the hello', ({ type }) => type === 'hello');
    const keys: string[] = [];
    for (const door of stack.doors) {
      const key = voteKey();
      keys.push(key);
      // The same vote at every door, one after the other and at once.
      const first = await sendVote(door, 'ana', key);
      const again = await Promise.all(stack.doors.map((other) => sendVote(other, 'ana', key)));
      for (const { status, json } of [first, ...again])
        expect([status, json.id]).toEqual([202, key]);
      for (const process of stack.readers) {
        const { status, text } = await formVote(process, 'ana', key);
        expect([status, text.includes(key)]).toEqual([200, true]);
      }
      expected.count('ana');
      expected.accepted += 1 + stack.doors.length + stack.readers.length;
    }
    for (const process of stack.readers) {
      const key = voteKey();
      keys.push(key);
      expect((await formVote(process, 'davi', key)).status).toBe(200);
      expected.count('davi');
      expected.accepted += 1;
    }
    await waitUntil('the live feed shows the votes', () =>
      viewer.messages.some(({ results }) => (results as Json)?.total === expected.total),
    );
    for (const [index, key] of keys.entries()) {
      const { client } = index % 2 === 0 ? reader : otherReader;
      const receipt = await client.receiptBecomes(POLL, key, 'counted');
      expect(receipt).toEqual({
        id: key,
        poll: POLL,
        status: 'counted',
        acceptedAt: expect.any(String),
      });
    }
    await sameEverywhere();
  });

  test('two loads at two doors are balanced id by id', async () => {
    const [door] = stack.doors;
    const last = stack.doors.at(-1);
    if (door === undefined || last === undefined) throw new Error('A stack has doors.');
    const loads = await Promise.all(
      [door, last].map((process) =>
        apura(
          process,
          ...['load', '--admin-url', reader.url, '--poll', POLL, '--json'],
          ...['--rate', '1000', '--duration', '1500ms', '--connections', '16'],
        ),
      ),
    );
    let counted = 0;
    for (const { exitCode, stdout, stderr } of loads) {
      expect({ exitCode, stderr, stdout }).toMatchObject({ exitCode: 0, stderr: '' });
      const { accepted, rejected, rejectedByCode, sent, tries, balance } = JSON.parse(
        stdout,
      ) as LoadSheet;
      // A door that stood still for a second refuses what comes next, until it has caught up.
      expect({ sent, rejectedByCode }).toEqual({
        sent: 1_500,
        rejectedByCode: rejected === 0 ? {} : { not_ready: rejected },
      });
      expect(accepted).toBeGreaterThan(0);
      expect(JSON.parse(stdout)).toMatchObject({ exact: true });
      expected.accepted += accepted;
      expected.doubtful += tries - accepted - rejected;
      counted += balance.countedAccepted + balance.countedUnknown;
    }
    const { votes } = await reader.client.countsAtRest(POLL);
    const before = expected.total;
    Object.assign(expected.votes, votes);
    expect(expected.total - before).toBe(counted);
    await sameEverywhere();
  });

  test('hours and steps of time add up to the results, at both readers', async () => {
    for (const { client } of stack.readers) {
      for (const [rows, path] of [
        ['hours', 'hourly'],
        ['points', 'timeseries?step=1m'],
        ['points', 'timeseries?step=1h'],
      ] as const) {
        const { json } = await client.mustBe(200, `/v1/polls/${POLL}/results/${path}`);
        expect([path, sumsOf(json[rows] as readonly Window[])]).toEqual([path, expected.votes]);
      }
    }
  });

  test('bad requests get the same codes at every door', async () => {
    const votes = `/v1/polls/${POLL}/votes`;
    const json = { 'content-type': 'application/json' };
    const withKey = (key: string) => ({ ...json, 'idempotency-key': key });
    const good = '{"option":"ana"}';
    const minute = 60_000;
    const ahead = voteKey(Date.now() + 60 * minute);
    const bad: readonly BadVote[] = [
      ['/v1/polls/nowhere/votes', json, good, 404, 'poll_not_found'],
      [votes, json, '{"option":"nobody"}', 422, 'option_not_found'],
      [votes, withKey('once'), good, 400, 'invalid_idempotency_key'],
      [votes, withKey(voteKey(Date.now() - 6 * minute)), good, 410, 'id_expired'],
      [votes, withKey(ahead), good, 400, 'id_in_future'],
      [votes, json, '{"option":', 400, 'invalid_json'],
      [votes, json, '{}', 422, 'invalid_body'],
      [votes, json, '{"option":"ana","weight":2}', 422, 'unknown_field'],
      [votes, { 'content-type': 'text/plain' }, good, 415, 'unsupported_media_type'],
      [votes, json, ' '.repeat(2_000), 413, 'body_too_large'],
      // Larger than any body of ours: cut off before a route sees it.
      [votes, json, ' '.repeat(10_000_000), 413, undefined],
    ];
    for (const { name: door, client } of stack.doors) {
      for (const [path, headers, body, status, code] of bad) {
        // A connection may be cut off together with a body that is too large, before its answer is read.
        const answer = await answered(() => client.ask(path, { body, headers }));
        expect([door, answer.status, answer.json.code]).toEqual([door, status, code]);
      }
      const got = await client.ask(votes);
      expect([door, got.status, got.json.code]).toEqual([door, 405, 'method_not_allowed']);
    }
    await sameEverywhere();
  });

  test('a pause holds from one instant on at every door, until it is resumed elsewhere', async () => {
    let earliest = 0;
    let latest = 0;
    const { accepted, acceptedAt, refused } = await whileVoting(async () => {
      const { updatedAt, serverTime } = await reader.client.act(POLL, 'pause');
      earliest = Date.parse(String(updatedAt)) + stack.effectMs;
      latest = Date.parse(String(serverTime)) + stack.effectMs;
      await everyDoor('is paused', 'poll_not_open');
    });
    expect(accepted.length).toBeGreaterThanOrEqual(stack.doors.length);
    for (const { answer } of refused) {
      expect([answer.status, answer.json.code]).toEqual([409, 'poll_not_open']);
    }
    const last = Math.max(...acceptedAt);
    const firstRefusal = Math.min(...refused.map(({ answeredAt }) => answeredAt));
    expect(last).toBeLessThan(latest);
    expect(firstRefusal).toBeGreaterThanOrEqual(earliest);
    // One instant for all: none takes a vote once another has refused one.
    expect(last).toBeLessThanOrEqual(firstRefusal);
    expect((await formVote(otherReader, 'ana', voteKey())).status).toBe(409);
    await sameEverywhere();

    await otherReader.client.act(POLL, 'resume');
    await everyDoor('takes votes again', 'option_not_found');
    for (const door of stack.doors) {
      expect((await sendVote(door, 'davi')).status).toBe(202);
      expected.count('davi');
      expected.accepted += 1;
    }
  });

  test('who has signed in at one console is signed in at the other', async () => {
    const login = await reader.client.ask('/console/session', { body: { token: stack.token } });
    expect(login.status).toBe(204);
    const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
    const headers = { cookie };
    const ask = (path: string) => otherReader.client.ask(path, { headers });
    expect((await ask('/console/session')).json).toEqual({ operator: true });
    expect((await ask('/v1/consistency')).status).toBe(200);
    expect((await otherReader.client.ask('/v1/consistency')).status).toBe(401);
    using operator = new LiveViewer(otherReader.url, '/v1/console/live', stack.token);
    await operator.message('figures', ({ type }) => type === 'ops');
  });

  test('operators see the same on the command line', async () => {
    await sameEverywhere();
    const listed = await apura(otherReader, 'poll', 'list', '--json');
    expect(listed).toMatchObject({ exitCode: 0, stderr: '' });
    const { items } = JSON.parse(listed.stdout) as { items: readonly Json[] };
    expect(items.map(({ id, state }) => [id, state])).toEqual([[POLL, 'open']]);
    const top = await apura(otherReader, 'top', '--once', '--poll', POLL);
    expect(top).toMatchObject({ exitCode: 0, stderr: '' });
    expect(top.stdout).toContain(`${expected.total.toLocaleString('en-US')} votes`);
    expect(top.stdout).toContain(stack.durability);
  });

  test('a closed poll takes no vote at any door, and its result is final', async () => {
    const { refused } = await whileVoting(async () => {
      const closed = await apura(otherReader, 'poll', 'close', POLL, '--json');
      expect(closed).toMatchObject({ exitCode: 0, stderr: '' });
      await everyDoor('is closed', 'poll_closed');
    });
    for (const { answer } of refused) {
      expect([answer.status, answer.json.code]).toEqual([409, 'poll_closed']);
    }
    for (const { client } of stack.readers) await client.inState(POLL, 'closed');
    const { votes } = await sameEverywhere();
    for (const door of stack.doors) {
      const late = await sendVote(door, 'ana');
      expect([late.status, late.json.code]).toEqual([409, 'poll_closed']);
    }
    for (const process of stack.readers) {
      expect((await formVote(process, 'ana', voteKey())).status).toBe(409);
    }
    expect((await sameEverywhere()).votes).toEqual(votes);
  });

  test('report and export say what the results say, in every form', async () => {
    const path = `/v1/polls/${POLL}/report`;
    for (const { client } of stack.readers) {
      const { json } = await client.mustBe(200, path);
      const { total, final, options, hours, books } = json as unknown as ReportBody;
      expect([total, final]).toEqual([expected.total, true]);
      expect(Object.fromEntries(options.map(({ id, votes }) => [id, votes]))).toEqual(
        expected.votes,
      );
      expect(sumsOf(hours)).toEqual(expected.votes);
      const logged = Number(books.logged);
      expect(logged).toBeGreaterThanOrEqual(expected.accepted);
      expect(logged).toBeLessThanOrEqual(expected.accepted + expected.doubtful);
      expect(books).toEqual({
        logged,
        counted: expected.total,
        duplicate: logged - expected.total,
        expired: 0,
        late: 0,
        voided: 0,
        valid: expected.total,
        flagged: 0,
        balanced: true,
      });
      const csv = (await client.mustBe(200, `${path}?format=csv`)).text.split('\r\n');
      expect(csv).toContain(`total,${POLL},,,,votes,${expected.total}`);
      for (const [option, votes] of Object.entries(expected.votes)) {
        expect(csv).toContain(`option,${POLL},,,${option},votes,${votes}`);
      }
      const page = await client.mustBe(200, `${path}?format=html`, {
        headers: { 'accept-language': 'en' },
      });
      expect(page.text).toContain('data-final="true"');
      for (const votes of [expected.total, ...Object.values(expected.votes)]) {
        expect(page.text).toContain(`>${votes.toLocaleString('en-US')}<`);
      }
      const rows = await client.exportOf(POLL, 'votes');
      expect(new Set(rows.map(({ id }) => id)).size).toBe(expected.total);
      expect(rows.every(({ state }) => state === 'counted')).toBe(true);
      const exported = OPTIONS.map((id) => [id, rows.filter(({ option }) => option === id).length]);
      expect(Object.fromEntries(exported)).toEqual(expected.votes);
    }
    const what = ['export', '--poll', POLL, '--what', 'results', '--format', 'ndjson'];
    const { exitCode, stdout } = await apura(otherReader, ...what);
    expect(exitCode).toBe(0);
    const results = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Json);
    expect(Object.fromEntries(results.map(({ option, votes }) => [option, votes]))).toEqual(
      expected.votes,
    );
  });

  test('the books balance: for the referee, for the audit and for the doors', async () => {
    for (const { client } of stack.readers) {
      // While sync is late with its next words, it is said that they are awaited.
      const json = await waitUntil('sync has compared all', async () => {
        const said = (await client.mustBe(200, '/v1/consistency')).json;
        const isQuiet = said.drained === true && (said.alarms as unknown[]).length === 0;
        return (said.state === 'different' || (said.state === 'consistent' && isQuiet)) && said;
      });
      expect(json).toMatchObject({ state: 'consistent', drained: true, detail: null, alarms: [] });
    }
    const { exitCode, stdout, stderr } = await stack.run(['audit']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toEndWith('The books balance.\n');

    let accepted = 0;
    for (const { client } of stack.processes) {
      const received = await client.metric('apura_votes_received_total');
      const taken = await client.metric('apura_votes_accepted_total');
      const { text } = await client.mustBe(200, '/metrics');
      const rejected = [...text.matchAll(/^apura_votes_rejected_total\{[^}]*\} (\d+)$/gm)];
      const refusals = rejected.reduce((sum, [, count]) => sum + Number(count), 0);
      expect(received).toBe(taken + refusals + (await client.metric('apura_votes_unknown_total')));
      accepted += taken;
    }
    expect(accepted).toBeGreaterThanOrEqual(expected.accepted);
    expect(accepted).toBeLessThanOrEqual(expected.accepted + expected.doubtful);
  });

  test('every process says that it is alive, ready and how durable votes are', async () => {
    for (const { name: process, client } of stack.processes) {
      expect((await client.ask('/healthz')).json).toEqual({ alive: true });
      // One that has just stood still says so until it has caught up.
      const { json } = await waitUntil(`${process} is ready`, async () => {
        const answer = await client.ask('/readyz');
        return answer.status === 200 && answer;
      });
      expect([process, json.ready, json.durability]).toEqual([process, true, stack.durability]);
      expect((await client.mustBe(200, '/metrics')).text).toContain('apura_build_info');
    }
  });

  test('no process has printed a secret', () => {
    for (const [what, secret] of Object.entries(stack.secrets)) {
      expect([what, stack.printed.includes(secret)]).toEqual([what, false]);
    }
  });
});

type BadVote = readonly [
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  status: number,
  code: string | undefined,
];

/** Of what `apura load --json` says. */
interface LoadSheet {
  readonly sent: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly rejectedByCode: Json;
  readonly tries: number;
  readonly balance: { readonly countedAccepted: number; readonly countedUnknown: number };
}

/** Whether a 503, as a problem or as a page, says for certain that nothing was logged. */
function isRefusal(text: string): boolean {
  return /"code":"(not_ready|overloaded|log_unavailable)"/.test(text);
}

interface Window {
  readonly total: number;
  readonly options: Readonly<Record<string, number>>;
}

interface ReportBody {
  readonly total: number;
  readonly final: boolean;
  readonly options: readonly { readonly id: string; readonly votes: number }[];
  readonly hours: readonly Window[];
  readonly books: Json;
}

/** Votes of each option over all windows, whose own totals must agree. */
function sumsOf(windows: readonly Window[]): Readonly<Record<string, number>> {
  const sums = Object.fromEntries(OPTIONS.map((id) => [id, 0]));
  for (const { total, options } of windows) {
    for (const id of OPTIONS) sums[id] = (sums[id] ?? 0) + (options[id] ?? 0);
    expect(Object.values(options).reduce((sum, count) => sum + count, 0)).toBe(total);
  }
  return sums;
}
