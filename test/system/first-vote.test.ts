/** The first minute with Apura: one start, an open poll, a vote, and the same folder again. */
import { describe, expect, test } from 'bun:test';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { voteKey } from '../support/api-client.ts';
import { Installation } from '../support/installation.ts';

describe('a first start', () => {
  test('takes a vote at once, shows it, and finds it again after a second start', async () => {
    await using apura = await Installation.start({ demo: true });
    const { client, token, dataDir } = apura;
    expect(apura.serving.output).toContain('durability power-safe');
    expect(apura.serving.output).toContain(`token      ${token}`);
    expect(apura.serving.output).toContain(`token file ${join(dataDir, 'admin-token')}`);

    const key = voteKey();
    const answer = await client.voteUntilAnswered('demo', 'davi', key);
    expect(answer.status).toBe(202);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(Object.keys(answer.json).sort()).toEqual(['acceptedAt', 'id', 'token']);
    expect(answer.json.id).toBe(key);
    expect((await client.countsAtRest('demo')).votes).toEqual({ ana: 0, davi: 1, marina: 0 });

    expect(await apura.serving.kill('SIGTERM')).toBe(0);
    await apura.restart();
    expect(apura.serving.output).not.toContain(token);
    expect(apura.serving.output).toContain(`token file ${join(dataDir, 'admin-token')}`);
    expect(apura.token).toBe(token);
    expect((await client.countsAtRest('demo')).votes).toEqual({ ana: 0, davi: 1, marina: 0 });
    expect(await client.receipt('demo', key)).toMatchObject({ status: 'counted' });
  });

  test('keeps its folder and its secrets to their owner', async () => {
    await using apura = await Installation.start();
    for (const secret of ['admin-token', 'secret']) {
      expect(statSync(join(apura.dataDir, secret)).mode & 0o777).toBe(0o600);
    }
    expect(apura.serving.log).not.toContain(apura.token);
  });

  test('says what it is: alive, ready, how durable', async () => {
    await using apura = await Installation.start({ demo: true });
    expect((await apura.client.ask('/healthz')).json).toEqual({ alive: true });
    const ready = await apura.client.ask('/readyz');
    expect(ready.status).toBe(200);
    expect(ready.json).toMatchObject({ ready: true, durability: 'power-safe' });
    const parts = ready.json.parts as readonly { name: string; ready: boolean }[];
    const names = parts.map(({ name }) => name).sort();
    expect(names).toEqual(['ledger', 'log', 'pulses', 'query', 'tally']);
    expect(parts.every((part) => part.ready)).toBe(true);
  });

  test('makes the demo poll once, and none where there are polls', async () => {
    await using apura = await Installation.start({ demo: true });
    await apura.client.openPoll('second');
    await apura.crash();
    const { json } = await apura.client.ask('/v1/polls');
    const ids = (json.items as readonly { id: string }[]).map(({ id }) => id);
    expect(ids.sort()).toEqual(['demo', 'second']);
    expect(
      readdirSync(apura.dataDir).filter((name) => /^(log|tally|ledger)\.db$/.test(name)),
    ).toHaveLength(3);
  });
});
