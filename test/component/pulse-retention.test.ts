/** Pulses beyond the term that is set for them are let go of: what they came to stays, and so does their key. */
import { expect, test } from 'bun:test';
import type { Json } from '../support/api-client.ts';
import { type ClientPulse, GrpcClient } from '../support/grpc-client.ts';
import { Installation } from '../support/installation.ts';
import { nothingWaits } from '../support/pulse-drill.ts';
import { waitUntil } from '../support/wait-until.ts';

const DAYS = 36;
const DAY_MS = 86_400_000;
const STORY_MS = 120_000;
const NOW = Math.floor(Date.now() / 900_000) * 900_000;

const pulse = (id: string, daysAgo: number, usedAmount: string): ClientPulse => ({
  id,
  source: 'gateway',
  tenant: 'acme',
  productSku: 'storage',
  usedAmount,
  useUnity: 'GiB',
  occurredAt: { seconds: (NOW - daysAgo * DAY_MS) / 1_000, nanos: 0 },
});
const OLD = pulse('old', DAYS + 1, '1.5');
const YOUNG = pulse('young', DAYS - 1, '2');

test(
  'a pulse older than its term is let go of at the next start: its usage stays, and again it is a duplicate',
  async () => {
    const env = { APURA_PULSE_RETENTION_DAYS: String(DAYS), APURA_AGGREGATE_EVERY: '100ms' };
    await using apura = await Installation.start({ env });
    const { client } = apura;
    const send = async (...pulses: readonly ClientPulse[]): Promise<void> => {
      using grpc = new GrpcClient(Number(new URL(apura.serving.grpcUrl).port));
      const options = { token: apura.token, allowBackfill: true };
      const { results } = await grpc.ingestUntilAnswered(pulses, options);
      expect(results.map(({ status }) => status)).toEqual(
        pulses.map(() => 'PULSE_STATUS_ACCEPTED'),
      );
      await nothingWaits(client);
    };
    const statusOf = async (id: string): Promise<number> =>
      (await client.operate(`/v1/pulses/${id}?tenant=acme&source=gateway`)).status;
    const usage = async (): Promise<Json> => {
      const from = new Date(NOW - 40 * DAY_MS).toISOString();
      const to = new Date(NOW).toISOString();
      const query = new URLSearchParams({ tenant: 'acme', from, to, granularity: 'P1D' });
      return (await client.mustBe(200, `/v1/usage?${query}`)).json;
    };

    await send(OLD, YOUNG);
    const before = await usage();
    expect(JSON.stringify(before)).toContain('"value":"1.5"');
    // The day's look was at the start.
    expect([await statusOf('old'), await statusOf('young')]).toEqual([200, 200]);

    await apura.crash();
    await waitUntil('the old pulse is let go of', async () => (await statusOf('old')) === 404);
    expect(await statusOf('young')).toBe(200);
    expect(await usage()).toMatchObject({ data: before.data });

    await send(OLD, { ...OLD, usedAmount: '9' }, YOUNG);
    const { json } = await client.mustBe(200, '/v1/metering/overview');
    const [partition] = json.partitions as readonly { readonly books: Json }[];
    expect(partition?.books).toMatchObject({ counted: 2, duplicates: 2, conflicts: 1 });
    expect(await usage()).toMatchObject({ data: before.data });

    await apura.kill();
    expect(await apura.audit()).toMatchObject({ exitCode: 0, balanced: true });
  },
  STORY_MS,
);
