/** Exports equal the count: as CSV and NDJSON, while votes come in and after the end. */
import { describe, expect, test } from 'bun:test';
import type { ApiClient } from '../support/api-client.ts';
import { Installation } from '../support/installation.ts';

/** Rows as column by name; Apura's exports quote nothing that stands in these. */
function rowsOf(csv: string): Readonly<Record<string, string>>[] {
  const [head = '', ...lines] = csv.trimEnd().split(/\r?\n/);
  const names = head.split(',');
  return lines.map((line) => {
    const values = line.split(',');
    return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
  });
}

async function checkExports(client: ApiClient, poll: string): Promise<void> {
  const { votes, total } = await client.countsAtRest(poll);
  const csv = async (what: string) =>
    rowsOf((await client.mustBe(200, `/v1/polls/${poll}/export?format=csv&what=${what}`)).text);
  const asVotes = (rows: readonly { readonly option?: unknown }[]) =>
    Object.fromEntries(
      Object.keys(votes).map((id) => [id, rows.filter(({ option }) => option === id).length]),
    );

  const lines = await client.exportOf(poll, 'votes');
  expect(lines).toHaveLength(total);
  expect(new Set(lines.map(({ id }) => id)).size).toBe(total);
  expect(lines.every(({ state }) => state === 'counted')).toBe(true);
  expect(asVotes(lines)).toEqual(votes);
  const rows = await csv('votes');
  expect(rows.map(({ id }) => id)).toEqual(lines.map(({ id }) => String(id)));
  expect(asVotes(rows)).toEqual(votes);

  const results = await client.exportOf(poll, 'results');
  const counts = Object.fromEntries(results.map(({ option, votes: n }) => [option, n]));
  expect(counts).toEqual(votes);
  const csvCounts = (await csv('results')).map((row) => [row.option, Number(row.votes)]);
  expect(Object.fromEntries(csvCounts)).toEqual(votes);

  const hours = await client.exportOf(poll, 'hourly');
  expect(hours.reduce((sum, hour) => sum + Number(hour.total), 0)).toBe(total);
  const csvHours = await csv('hourly');
  for (const [option, count] of Object.entries(votes)) {
    expect(csvHours.reduce((sum, hour) => sum + Number(hour[option]), 0)).toBe(count);
  }
}

describe('an export', () => {
  test('equals the count live, through a kill, and after the end', async () => {
    await using apura = await Installation.start({ env: { APURA_PARTITIONS: '2' } });
    const { client } = apura;
    await client.openPoll('exported');
    await client.openPoll('beside');
    await client.votes('beside', 'a', 7);
    const keys = await client.votes('exported', 'a', 120);
    await client.votes('exported', 'b', 45);
    await checkExports(client, 'exported');

    // Votes that are sent again add no row.
    await apura.crash();
    for (const key of keys.slice(0, 10)) await client.voteUntilAnswered('exported', 'a', key);
    await client.votes('exported', 'b', 30);
    await checkExports(client, 'exported');

    await client.act('exported', 'close');
    await client.inState('exported', 'closed');
    await checkExports(client, 'exported');
    expect((await client.countsAtRest('exported')).votes).toEqual({ a: 120, b: 75 });
    await client.act('exported', 'publish');
    await client.act('exported', 'archive');
    await checkExports(client, 'exported');
    await checkExports(client, 'beside');
  });

  test('is a file by name and type, and stands in the list of acts', async () => {
    await using apura = await Installation.start();
    const { client } = apura;
    await client.openPoll('on-record');
    const path = '/v1/polls/on-record/export?format=csv&what=votes';
    const { headers } = await client.mustBe(200, path);
    expect(headers.get('content-type')).toStartWith('text/csv');
    expect(headers.get('content-disposition')).toContain('on-record-votes.csv');
    const { json } = await client.mustBe(200, '/v1/polls/on-record/acts');
    expect(json.items).toContainEqual(
      expect.objectContaining({ act: 'export', poll: 'on-record' }),
    );
    expect((await client.operate('/v1/polls/nowhere/export')).json.code).toBe('poll_not_found');
  });
});
