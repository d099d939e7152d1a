/** The log's storage fails or is held: no vote is acknowledged that is not there, and the process says so. */
import { describe, expect, test } from 'bun:test';
import { type Answer, voteKey } from '../support/api-client.ts';
import { holdLog } from '../support/held-log.ts';
import { Installation } from '../support/installation.ts';
import { waitUntil } from '../support/wait-until.ts';

/**
 * No file may grow beyond 2 MiB: as on a full disk, a write fails. It needs no right that a test may
 * lack. The signal that comes with it would end the process; ignored, the write itself reports it.
 */
const NO_ROOM = ['sh', '-c', 'trap "" XFSZ; ulimit -f 4096; exec "$0" "$@"'];
const VOTERS = 8;

interface Sent {
  readonly key: string;
  /** Null where the connection ended first. */
  readonly answer: Answer | null;
}

describe('a log that can not grow', () => {
  test('ends the process, and nothing acknowledged is lost once there is room', async () => {
    await using apura = await Installation.start({ wrapper: NO_ROOM });
    const { client } = apura;
    await client.openPoll('full');
    const sent: Sent[] = [];
    let ended = false;
    const exit = apura.serving.exited.then((code) => {
      ended = true;
      return code;
    });
    const voter = async (): Promise<void> => {
      while (!ended) {
        const key = voteKey();
        const answer = await client.vote('full', 'a', key).catch(() => null);
        sent.push({ key, answer });
      }
    };
    await Promise.all(Array.from({ length: VOTERS }, voter));
    expect(await exit).toBe(1);
    await waitUntil('it has said why', () =>
      apura.serving.log.includes("stopping: The log's storage failed"),
    );

    const keysOf = (status: number): string[] =>
      sent.filter(({ answer }) => answer?.status === status).map(({ key }) => key);
    const accepted = keysOf(202);
    const unknown = keysOf(503);
    expect(accepted.length).toBeGreaterThan(0);
    // The votes of the failed append were answered, and not as if they were in.
    expect(unknown.length).toBeGreaterThan(0);
    for (const { answer } of sent) {
      if (answer === null || answer.status === 202) continue;
      expect(answer.status).toBe(503);
      expect(['outcome_unknown', 'not_ready', 'log_unavailable']).toContain(
        String(answer.json.code),
      );
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect(await apura.audit()).toMatchObject({ exitCode: 0, balanced: true });

    await apura.restart({});
    for (const key of accepted) await client.receiptBecomes('full', key, 'counted');
    for (const key of unknown)
      expect((await client.voteUntilAnswered('full', 'a', key)).status).toBe(202);
    const { total } = await client.countsAtRest('full');
    // Those whose answer was lost may count or not; all others are settled.
    const lost = sent.filter(({ answer }) => answer === null).length;
    expect(total).toBeGreaterThanOrEqual(accepted.length + unknown.length);
    expect(total).toBeLessThanOrEqual(accepted.length + unknown.length + lost);
  });
});

describe('a log that another process holds', () => {
  test('refuses votes for as long, and takes them again afterwards', async () => {
    await using apura = await Installation.start();
    const { client } = apura;
    await client.openPoll('held');
    const keys = Array.from({ length: 20 }, () => voteKey());
    using held = holdLog(apura.dataDir);
    const answers = await Promise.all(keys.map((key) => client.vote('held', 'a', key)));
    for (const { status, json, headers } of answers) {
      expect(status).toBe(503);
      expect(['outcome_unknown', 'log_unavailable']).toContain(String(json.code));
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    held.release();
    for (const key of keys)
      expect((await client.voteUntilAnswered('held', 'a', key)).status).toBe(202);
    expect((await client.countsAtRest('held')).votes).toEqual({ a: 20, b: 0 });
  });
});
