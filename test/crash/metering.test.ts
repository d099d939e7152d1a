/** Pulses under load while every part of metering dies once: none is lost, each counts once, and is charged. */
import { describe, expect, test } from 'bun:test';
import { Installation } from '../support/installation.ts';
import { makeContracts, nothingWaits, PulseSenders } from '../support/pulse-drill.ts';
import { SeededRandom } from '../support/seeded-random.ts';

const DIFFERENCES_SHOWN = 10;
const PULSES_BETWEEN = 300;
const KILLS = 6;

async function expectExact(
  senders: PulseSenders,
  client: Installation['client'],
  logs: () => string,
): Promise<void> {
  try {
    await senders.settle();
    await nothingWaits(client);
  } catch (error) {
    throw new Error(`${error}\n${logs()}`, { cause: error });
  }
  const found = await senders.differences(client);
  expect(found.slice(0, DIFFERENCES_SHOWN)).toEqual([]);
}

describe('kill -9 of a server that does it all', () => {
  test('loses no pulse that was acknowledged, counts each once and charges it', async () => {
    const random = new SeededRandom();
    console.log(`pulses in one process: SEED=${random.seed}`);
    await using apura = await Installation.start({
      env: { APURA_PARTITIONS: '3', APURA_AGGREGATE_EVERY: '200ms' },
    });
    const { client } = apura;
    await makeContracts(client);
    await using senders = new PulseSenders({
      doors: () => [apura.serving],
      token: apura.token,
      seed: random.seed,
    });
    for (let kill = 0; kill < KILLS; kill += 1) {
      await senders.acknowledges(1 + random.below(PULSES_BETWEEN));
      await apura.kill();
      await apura.restart();
    }
    await senders.acknowledges(PULSES_BETWEEN);
    await expectExact(senders, client, () => apura.serving.log);
    console.log(`pulses in one process: ${JSON.stringify(senders.figures)}`);
    // The drill has drilled.
    const { unknown, repeated, contradicted, rejected } = senders.figures;
    expect(Math.min(unknown, repeated, contradicted, rejected)).toBeGreaterThan(0);
  });
});
