/** Whom a log's partitions are asked of, also where brokers know unequally much. */
import { expect, test } from 'bun:test';
import { CONTROL_PARTITION } from '../../ports/event-log.ts';
import type { TopicMetadata } from './brokers.ts';
import { PartitionRoutes } from './partition-routes.ts';

interface Led {
  readonly leader: number;
  readonly epoch: number;
}

function topic(name: string, leds: readonly Led[]): TopicMetadata {
  return {
    errorCode: 0,
    name,
    topicId: `id of ${name}`,
    isInternal: false,
    topicAuthorizedOperations: 0,
    partitions: leds.map(({ leader, epoch }, partitionIndex) => ({
      errorCode: 0,
      partitionIndex,
      leaderId: leader,
      leaderEpoch: epoch,
      replicaNodes: [1, 2, 3],
      isrNodes: [1, 2, 3],
      offlineReplicas: [],
    })),
  };
}

const FIRST: readonly Led[] = [
  { leader: 1, epoch: 4 },
  { leader: 2, epoch: 0 },
];

/** Routes that learn what the test says from then on. */
function routing() {
  const control = topic('control', [{ leader: 3, epoch: 7 }]);
  let answer: readonly TopicMetadata[] = [];
  const cluster = async () => ({ brokers: new Map(), topics: answer });
  const routes = new PartitionRoutes({ cluster }, topic('events', FIRST), control);
  return {
    routes,
    async hears(...leds: readonly Led[]) {
      answer = [topic('events', leds), control];
      await routes.refresh();
    },
    leaders: () => [0, 1].map((partition) => routes.leader(partition)),
    epochs: () => [0, 1, CONTROL_PARTITION].map((partition) => routes.place(partition).leaderEpoch),
  };
}

test('a leader is asked under its epoch', async () => {
  const { leaders, epochs, hears, routes } = routing();
  expect([leaders(), routes.leader(CONTROL_PARTITION)]).toEqual([[1, 2], 3]);
  expect(epochs()).toEqual([4, 0, 7]);
  await hears({ leader: 3, epoch: 5 }, { leader: 2, epoch: 0 });
  expect([leaders(), epochs()]).toEqual([
    [3, 2],
    [5, 0, 7],
  ]);
});

test('a broker that was cut off, or asleep, brings no former leader back', async () => {
  const { leaders, epochs, hears } = routing();
  await hears({ leader: 3, epoch: 5 }, { leader: -1, epoch: 1 });
  expect(leaders()).toEqual([3, null]);
  await hears(...FIRST);
  expect([leaders(), epochs()]).toEqual([
    [3, null],
    [5, 1, 7],
  ]);
  await hears({ leader: 1, epoch: 6 }, { leader: 2, epoch: 2 });
  expect([leaders(), epochs()]).toEqual([
    [1, 2],
    [6, 2, 7],
  ]);
});
