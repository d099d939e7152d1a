/**
 * Partition ownership by a Kafka consumer group that consumes nothing: its coordinator notices who
 * lives, and one member shares the partitions out. No offset is read or committed through it.
 */
import {
  type Connection,
  findCoordinatorV4,
  heartbeatV4,
  joinGroupV7,
  leaveGroupV4,
  syncGroupV5,
} from '@platformatic/kafka';
import {
  type OwnershipGroup,
  type PartitionOwnership,
  SESSION_MS,
} from '../../ports/partition-ownership.ts';
import { Brokers, kafkaError, withErrors } from './brokers.ts';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  shareOut,
} from './group-protocol.ts';
import { parseKafkaUrl } from './kafka-url.ts';
import { topicPlans } from './topics.ts';

/** Three may be lost before a session ends. */
const HEARTBEAT_MS = 1_500;
/** How long a group that settles waits for a member that it has not heard of yet, ms. */
const REBALANCE_MS = SESSION_MS;
/** Of a request; joining waits for the others on top of it. */
const ANSWER_MS = 3_000;
const RETRY_PAUSE_MS = 300;
/** A leave that nobody hears is found out by the session's end. */
const LEAVE_MS = 1_000;
const PROTOCOL_TYPE = 'consumer';
const PROTOCOL = 'apura-balanced';
const GROUP_KEY = 0;
const ANYBODY = '';
const NONE: ReadonlySet<number> = new Set();

const COORDINATOR_LOST = new Set([
  14, // COORDINATOR_LOAD_IN_PROGRESS
  15, // COORDINATOR_NOT_AVAILABLE
  16, // NOT_COORDINATOR
]);
const ILLEGAL_GENERATION = 22;
const UNKNOWN_MEMBER = 25;
const REBALANCE_IN_PROGRESS = 27;
const MEMBER_ID_REQUIRED = 79;

/**
 * Takes a seat in the group `<topic>-<logId>-<role>`. Resolves at once: until the group has settled
 * the member owns nothing, and `trouble` says why. Its heartbeats have a connection of their own and
 * wait for no work, but they need the thread: work that holds it for a session costs the seat.
 *
 * @throws ApuraError `invalid_config`: the URL.
 */
export async function joinKafkaGroup(
  options: OwnershipGroup & { readonly url: string },
): Promise<PartitionOwnership> {
  const settings = parseKafkaUrl(options.url);
  const { events } = topicPlans(settings, options.logId, options.partitions);
  const brokers = new Brokers(settings, REBALANCE_MS + ANSWER_MS);
  return new KafkaGroupMember(brokers, events.name, options);
}

/** The coordinator's answer says that what the member was part of is over. */
class RejoinError extends Error {
  readonly isForgotten: boolean;

  constructor(error: number) {
    super(`the group settles anew: ${kafkaError(error)}`);
    this.isForgotten = error === UNKNOWN_MEMBER;
  }
}

interface Seat {
  readonly coordinator: number;
  readonly memberId: string;
  readonly generation: number;
}

export class KafkaGroupMember implements PartitionOwnership {
  readonly #brokers: Brokers;
  readonly #topic: string;
  readonly #group: string;
  readonly #partitions: number;
  readonly #listeners = new Set<() => void>();
  readonly #ended = new AbortController();
  readonly #running: Promise<void>;
  #assigned: ReadonlySet<number> = NONE;
  /** What it had last: asked for again when the group settles anew. */
  #had: readonly number[] = [];
  /** When the request was sent that the coordinator has confirmed last. */
  #confirmedAt = Number.NEGATIVE_INFINITY;
  #memberId = ANYBODY;
  #trouble: string | null = 'the member has not joined its group yet';
  #expiry: ReturnType<typeof setTimeout> | undefined;
  #told: ReadonlySet<number> = NONE;

  /** @param brokers its own from now on, with time for a request to wait for the whole group. */
  constructor(brokers: Brokers, topic: string, { role, partitions }: OwnershipGroup) {
    this.#brokers = brokers;
    this.#topic = topic;
    this.#group = `${topic}-${role}`;
    this.#partitions = partitions;
    this.#running = this.#run();
  }

  /** By the clock, not by a timer: a process that slept wakes up owning nothing. */
  get owned(): ReadonlySet<number> {
    return performance.now() - this.#confirmedAt < SESSION_MS ? this.#assigned : NONE;
  }

  get trouble(): string | null {
    const isHeard = performance.now() - this.#confirmedAt < SESSION_MS;
    return this.#trouble ?? (isHeard ? null : 'the group’s coordinator has not answered in time');
  }

  subscribe(listener: () => void): Disposable {
    // A function of its own: the same listener may be subscribed twice.
    const own = (): void => listener();
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended.signal.aborted) {
      this.#ended.abort();
      this.#release('the member has left its group');
      await this.#leave();
      await this.#brokers[Symbol.asyncDispose]();
    }
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      try {
        const coordinator = await this.#findCoordinator();
        const seat = await this.#join(coordinator);
        await this.#keep(seat);
      } catch (error) {
        if (signal.aborted) return;
        const words = error instanceof Error ? error.message : String(error);
        this.#release(words);
        if (error instanceof RejoinError) {
          if (error.isForgotten) this.#memberId = ANYBODY;
          continue;
        }
        await this.#pause(RETRY_PAUSE_MS);
      }
    }
  }

  async #findCoordinator(): Promise<number> {
    const connection = await this.#brokers.anyConnection();
    const answer = await within(
      ANSWER_MS,
      connection,
      withErrors(findCoordinatorV4.api.async(connection, GROUP_KEY, [this.#group])),
    );
    const [found] = answer.coordinators;
    check(found?.errorCode ?? -1);
    return found?.nodeId ?? -1;
  }

  async #join(coordinator: number): Promise<Seat> {
    const connection = await this.#brokers.connection(coordinator, 'group');
    const metadata = encodeSubscription(this.#topic, this.#had);
    const ask = () =>
      within(
        REBALANCE_MS + ANSWER_MS,
        connection,
        withErrors(
          joinGroupV7.api.async(
            connection,
            this.#group,
            SESSION_MS,
            REBALANCE_MS,
            this.#memberId,
            null,
            PROTOCOL_TYPE,
            [{ name: PROTOCOL, metadata }],
          ),
        ),
      );
    let answer = await ask();
    if (answer.errorCode === MEMBER_ID_REQUIRED) {
      this.#memberId = answer.memberId;
      answer = await ask();
    }
    check(answer.errorCode);
    this.#memberId = answer.memberId;
    const members = answer.members.map(({ memberId, metadata: said }) => ({
      id: memberId,
      had: decodeSubscription(said),
    }));
    // Only the leader is told of the others.
    const shares = shareOut(members, this.#partitions);
    const assignments = [...shares].map(([memberId, partitions]) => ({
      memberId,
      assignment: encodeAssignment(this.#topic, partitions),
    }));
    const sentAt = performance.now();
    const synced = await within(
      REBALANCE_MS,
      connection,
      withErrors(
        syncGroupV5.api.async(
          connection,
          this.#group,
          answer.generationId,
          answer.memberId,
          null,
          PROTOCOL_TYPE,
          PROTOCOL,
          assignments,
        ),
      ),
    );
    check(synced.errorCode);
    const own = decodeAssignment(synced.assignment).filter((p) => p >= 0 && p < this.#partitions);
    this.#ended.signal.throwIfAborted();
    this.#had = own;
    this.#assigned = new Set(own);
    this.#trouble = null;
    this.#confirm(sentAt);
    return { coordinator, memberId: answer.memberId, generation: answer.generationId };
  }

  /** Until the group settles anew, or the coordinator is not heard any more. */
  async #keep(seat: Seat): Promise<never> {
    let { coordinator } = seat;
    for (;;) {
      await this.#pause(HEARTBEAT_MS);
      this.#ended.signal.throwIfAborted();
      const sentAt = performance.now();
      if (sentAt - this.#confirmedAt >= SESSION_MS) {
        throw new Error('the group’s coordinator has not answered in time');
      }
      try {
        const connection = await this.#brokers.connection(coordinator, 'group');
        const beat = heartbeatV4.api.async(connection, this.#group, seat.generation, seat.memberId);
        const { errorCode } = await within(ANSWER_MS, connection, withErrors(beat));
        check(errorCode);
        this.#confirm(sentAt);
      } catch (error) {
        if (error instanceof RejoinError) throw error;
        // The seat is kept for a session: another broker may know of it.
        await this.#pause(RETRY_PAUSE_MS);
        coordinator = await this.#findCoordinator().catch(() => coordinator);
      }
    }
  }

  async #leave(): Promise<void> {
    if (this.#memberId === ANYBODY) return;
    try {
      await Promise.race([
        (async () => {
          const coordinator = await this.#findCoordinator();
          const connection = await this.#brokers.connection(coordinator, 'leave');
          const members = [{ memberId: this.#memberId }];
          await leaveGroupV4.api.async(connection, this.#group, members);
        })(),
        Bun.sleep(LEAVE_MS),
      ]);
    } catch {
      // Nobody hears it: the others find out when the session ends.
    }
  }

  #confirm(sentAt: number): void {
    this.#confirmedAt = sentAt;
    clearTimeout(this.#expiry);
    const left = sentAt + SESSION_MS - performance.now();
    this.#expiry = setTimeout(() => this.#tell(), Math.max(0, left) + 1);
    this.#tell();
  }

  #release(trouble: string): void {
    clearTimeout(this.#expiry);
    this.#assigned = NONE;
    this.#trouble = trouble;
    this.#tell();
  }

  #tell(): void {
    const { owned } = this;
    if (owned.symmetricDifference(this.#told).size === 0) return;
    this.#told = owned;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Ends early when the member is disposed of. */
  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { signal } = this.#ended;
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
    await promise;
    clearTimeout(timer);
  }
}

/** @throws RejoinError when the member must join anew; Error when the coordinator must be found anew. */
function check(error: number): void {
  if (error === 0) return;
  if (error === REBALANCE_IN_PROGRESS || error === ILLEGAL_GENERATION || error === UNKNOWN_MEMBER) {
    throw new RejoinError(error);
  }
  const isMoving = COORDINATOR_LOST.has(error);
  throw new Error(
    `${isMoving ? 'the group’s coordinator moves' : 'the group is refused'}: ${kafkaError(error)}`,
  );
}

/** An answer, or the connection is cut: what hangs on it would hang there for ever. */
async function within<Answer>(
  ms: number,
  connection: Connection,
  answer: Promise<Answer>,
): Promise<Answer> {
  const timer = setTimeout(() => connection.socket.destroy(), ms);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}
