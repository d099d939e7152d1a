/** Who sees what of a result: every visibility and detail, over every way by which a result leaves. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { ApiClient, Json } from '../support/api-client.ts';
import { Installation } from '../support/installation.ts';
import { LiveViewer } from '../support/live-viewer.ts';

type Phase = 'open' | 'closed' | 'published';
type Reader = 'public' | 'voter';

/** Phases in which each reader sees a result, written down anew: nothing here asks the code. */
const SEEN: Readonly<Record<string, Readonly<Record<Reader, readonly Phase[]>>>> = {
  never: { public: [], voter: [] },
  after_publish: { public: ['published'], voter: ['published'] },
  after_close: { public: ['closed', 'published'], voter: ['closed', 'published'] },
  after_vote: { public: ['closed', 'published'], voter: ['open', 'closed', 'published'] },
  always: { public: ['open', 'closed', 'published'], voter: ['open', 'closed', 'published'] },
};
const DETAILS = ['winner', 'percentage', 'count'];

const A = 14;
const B = 6;
/** What each detail tells, option by option. */
const OPTIONS: Readonly<Record<string, readonly Json[]>> = {
  winner: [
    { id: 'a', votes: null, share: null, leader: true },
    { id: 'b', votes: null, share: null, leader: false },
  ],
  percentage: [
    { id: 'a', votes: null, share: 0.7, leader: true },
    { id: 'b', votes: null, share: 0.3, leader: false },
  ],
  count: [
    { id: 'a', votes: A, share: 0.7, leader: true },
    { id: 'b', votes: B, share: 0.3, leader: false },
  ],
};

interface MatrixPoll {
  readonly id: string;
  readonly visibility: string;
  readonly detail: string;
  /** A results token of one of its voters. */
  readonly voterToken: string;
}

const polls: MatrixPoll[] = [];
let apura: Installation;
let client: ApiClient;

beforeAll(async () => {
  apura = await Installation.start();
  client = apura.client;
  for (const visibility of Object.keys(SEEN)) {
    for (const detail of DETAILS) {
      const id = `${visibility.replaceAll('_', '-')}-${detail}`;
      await client.openPoll(id, { resultsVisibility: visibility, resultsDetail: detail });
      await client.votes(id, 'b', B);
      await client.votes(id, 'a', A - 1);
      const { json } = await client.voteUntilAnswered(id, 'a');
      polls.push({ id, visibility, detail, voterToken: String(json.token) });
    }
  }
  await client.drained();
  for (const { id } of polls) expect((await client.countsAtRest(id)).total).toBe(A + B);
});
afterAll(() => apura[Symbol.asyncDispose]());

/** What the results of a poll must say to a reader. */
function expected(poll: MatrixPoll, reader: Reader, phase: Phase): Json {
  const { visibility, detail } = poll;
  if (!SEEN[visibility]?.[reader].includes(phase)) return { visible: false, reason: visibility };
  const total = detail === 'count' ? A + B : null;
  return { visible: true, detail, total, options: OPTIONS[detail] };
}

/** The part of a results body that tells something, and nothing beside what it should hold. */
function toldBy(body: Json): Json {
  const {
    poll: _poll,
    state: _state,
    asOf: _asOf,
    version: _version,
    stale: _stale,
    ...told
  } = body;
  return told;
}

async function checkApi(poll: MatrixPoll, phase: Phase): Promise<void> {
  const path = `/v1/polls/${poll.id}/results`;
  for (const reader of ['public', 'voter'] as const) {
    const token = reader === 'voter' ? { token: poll.voterToken } : {};
    const wanted = expected(poll, reader, phase);
    expect(toldBy((await client.ask(path, token)).json)).toEqual(wanted);
    const hours = (await client.ask(`${path}/hourly`, token)).json;
    const points = (await client.ask(`${path}/timeseries?step=1m`, token)).json;
    for (const { visible, reason, detail } of [hours, points]) {
      const seriesShown = wanted.visible === true && poll.detail !== 'winner';
      expect(visible).toBe(seriesShown);
      if (seriesShown) expect(detail).toBe(poll.detail);
      else expect(reason).toBe(wanted.visible === true ? 'winner_only' : poll.visibility);
    }
    const text = JSON.stringify([hours, points]);
    if (wanted.visible !== true || poll.detail === 'winner')
      expect(text).not.toContain('"options"');
    if (poll.detail === 'percentage') expect(text).not.toMatch(/"total":\d/);
  }
  const { json } = await client.mustBe(200, path);
  expect(toldBy(json)).toEqual({
    visible: true,
    detail: 'count',
    total: A + B,
    options: OPTIONS.count,
  });
}

async function checkFeed(poll: MatrixPoll, phase: Phase): Promise<void> {
  using viewer = new LiveViewer(apura.url, `/v1/polls/${poll.id}/live`);
  const hello = await viewer.message('the hello', ({ type }) => type === 'hello');
  expect(toldBy(hello.results as Json)).toEqual(expected(poll, 'public', phase));
  viewer.send({ type: 'auth', token: poll.voterToken });
  // Another frame of the public's may come first.
  const wanted = expected(poll, 'voter', phase);
  const isWanted = ({ type, results }: Json): boolean =>
    type === 'results' && Bun.deepEquals(toldBy(results as Json), wanted);
  await viewer.message('what the token opens', isWanted, 1);
}

async function checkPage(poll: MatrixPoll, phase: Phase): Promise<void> {
  const { text, status } = await client.ask(`/p/${poll.id}`, {
    headers: { 'accept-language': 'en' },
  });
  expect(status).toBe(200);
  const wanted = expected(poll, 'public', phase);
  const data = /<script type="application\/json"[^>]*>(.*?)<\/script>/s.exec(text)?.[1] ?? '{}';
  const { results } = JSON.parse(data) as { results: Json };
  expect(toldBy(results)).toEqual(wanted);
  // What is drawn, beside what the script is given.
  const drawn = (pattern: RegExp): string[] =>
    [...text.matchAll(pattern)].map(([, at]) => at ?? '');
  const figures = drawn(/class="bar-figure">([^<]*)</g);
  const votes = drawn(/class="bar-votes">([^<]*)</g);
  const widths = drawn(/class="bar-fill" width="([^"]*)"/g).map(Number.parseFloat);
  const badges = drawn(/class="bar-badge">([^<]*)</g);
  const isShown = wanted.visible === true;
  expect(figures.join(' ').includes('70')).toBe(isShown && poll.detail !== 'winner');
  expect(widths.some((width) => width > 0)).toBe(isShown && poll.detail !== 'winner');
  expect(votes.join(' ').includes(String(A))).toBe(isShown && poll.detail === 'count');
  expect(badges.some((badge) => badge !== '')).toBe(isShown);
}

async function checkExport({ id, voterToken }: MatrixPoll): Promise<void> {
  for (const what of ['votes', 'results', 'hourly']) {
    const path = `/v1/polls/${id}/export?format=csv&what=${what}`;
    expect((await client.ask(path)).status).toBe(401);
    expect((await client.ask(path, { token: voterToken })).status).toBe(401);
  }
  const rows = await client.exportOf(id, 'results');
  expect(rows.map(({ option, votes }) => [option, votes])).toEqual([
    ['a', A],
    ['b', B],
  ]);
}

async function checkAll(phase: Phase): Promise<void> {
  for (const poll of polls) {
    await checkApi(poll, phase);
    await checkFeed(poll, phase);
    await checkPage(poll, phase);
    await checkExport(poll);
  }
}

describe('a result is shown only to whom its poll allows', () => {
  test('while the poll is open', () => checkAll('open'));

  test('once it is closed', async () => {
    for (const { id } of polls) await client.act(id, 'close');
    for (const { id } of polls) await client.inState(id, 'closed');
    await checkAll('closed');
  });

  test('once it is published', async () => {
    for (const { id } of polls) await client.act(id, 'publish');
    await checkAll('published');
  });

  test('and a results token opens its own poll alone', async () => {
    await client.openPoll('own', { resultsVisibility: 'after_vote' });
    const { json } = await client.voteUntilAnswered('own', 'a');
    await client.openPoll('foreign', { resultsVisibility: 'after_vote' });
    const token = String(json.token);
    expect((await client.ask('/v1/polls/own/results', { token })).json.visible).toBe(true);
    expect((await client.ask('/v1/polls/foreign/results', { token })).json.visible).toBe(false);
    // It is no operator's either.
    expect((await client.ask('/v1/consistency', { token })).status).toBe(401);
    // It holds after a new start: voters keep what they were given.
    await apura.crash();
    expect((await client.ask('/v1/polls/own/results', { token })).json.visible).toBe(true);
  });
});
