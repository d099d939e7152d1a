/**
 * Who works on which partitions, by RabbitMQ's exclusive queues: such a queue is one connection's, and
 * gone with it. A member has a lock for each partition that it works on, and a numbered seat, which
 * tells whether it takes one of the partitions that are left over when all have the same. How many
 * members there are is the number of consumers of a queue that nobody sends to.
 */
import type { Channel } from 'amqplib';
import {
  type OwnershipGroup,
  type PartitionOwnership,
  SESSION_MS,
} from '../../ports/partition-ownership.ts';
import { closeChannel, RabbitmqConnection, replyCode } from './connection.ts';
import { parseRabbitmqUrl } from './rabbitmq-url.ts';

export interface RabbitmqGroup extends OwnershipGroup {
  /** See `parseRabbitmqUrl`. */
  readonly url: string;
}

/** How often a member looks how many there are, and how soon again while it is not content. */
const ROUND_MS = 1_000;
const UNSETTLED_ROUND_MS = 200;
/** A round that takes longer has hung: the connection counts as lost. */
const ROUND_TIMEOUT_MS = 4_000;
const SEATS_MAX = 256;
const NONE: ReadonlySet<number> = new Set();
const LEFT = 'The member has left its group';
const SETTLING = 'The member looks for its seat';
const SHORT = 'The member waits for its share, which others still have';
const STALLED = 'The member was stalled, and may have been given up';

/**
 * Joins the group. Later losses of the connection are repaired by itself: meanwhile it owns nothing.
 *
 * @throws ApuraError `invalid_config`: the address is wrong.
 * @throws ApuraError `log_unavailable`: no node answers.
 */
export async function joinRabbitmqGroup(group: RabbitmqGroup): Promise<PartitionOwnership> {
  const settings = parseRabbitmqUrl(group.url);
  const prefix = `${settings.stream}-${group.logId}`;
  return new RabbitmqMember(await RabbitmqConnection.open(settings), {
    members: `${prefix}-members-${group.role}`,
    seat: (seat) => `${prefix}-seat-${group.role}-${seat}`,
    lock: (partition) => `${prefix}-lock-${group.role}-${partition}`,
    partitions: group.partitions,
  });
}

interface Places {
  readonly members: string;
  readonly seat: (seat: number) => string;
  readonly lock: (partition: number) => string;
  readonly partitions: number;
}

class RabbitmqMember implements PartitionOwnership {
  readonly #connection: RabbitmqConnection;
  readonly #places: Places;
  readonly #listeners = new Set<() => void>();
  readonly #subscription: Disposable;
  #owned: ReadonlySet<number> = NONE;
  #trouble: string | null = SETTLING;
  /** Asks; closed by every refusal, and opened again. The other has the consumer that is counted. */
  #asking: Channel | null = null;
  #counted: Channel | null = null;
  #seat: number | null = null;
  #heardAt = instant();
  #timer: Timer | undefined;
  #round: Promise<void> = Promise.resolve();
  #left = false;

  constructor(connection: RabbitmqConnection, places: Places) {
    this.#connection = connection;
    this.#places = places;
    this.#subscription = connection.subscribe(() => {
      if (!connection.isUp) this.#forget('The connection to RabbitMQ is lost');
    });
    this.#turn();
  }

  /** A process that was stopped sees its own silence before any of its timers has run. */
  get owned(): ReadonlySet<number> {
    return this.#isSilent() ? NONE : this.#owned;
  }

  get trouble(): string | null {
    return this.#trouble ?? (this.#isSilent() ? STALLED : null);
  }

  subscribe(listener: () => void): Disposable {
    // A function of its own: the same listener may be subscribed twice.
    const own = (): void => listener();
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#left) {
      this.#left = true;
      clearTimeout(this.#timer);
      this.#subscription[Symbol.dispose]();
      this.#forget(LEFT);
    }
    await this.#connection[Symbol.asyncDispose]();
    await this.#round;
  }

  #turn(): void {
    this.#round = this.#look().then((content) => {
      if (this.#left) return;
      this.#timer = setTimeout(() => this.#turn(), content ? ROUND_MS : UNSETTLED_ROUND_MS);
    });
  }

  /** Whether the member has what is its due. Never rejects. */
  async #look(): Promise<boolean> {
    if (this.#isSilent() && this.#connection.isUp) this.#connection.reset(STALLED);
    if (!this.#connection.isUp) return false;
    const timer = setTimeout(() => {
      this.#connection.reset(`no answer within ${ROUND_TIMEOUT_MS} ms`);
    }, ROUND_TIMEOUT_MS);
    try {
      return await this.#share();
    } catch (error) {
      if (!this.#left) this.#forget(error instanceof Error ? error.message : String(error));
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  async #share(): Promise<boolean> {
    const askedAt = instant();
    const members = await this.#count();
    this.#heardAt = askedAt;
    if (this.#seat === null || this.#seat >= members) await this.#sit(members);
    const { partitions } = this.#places;
    const hasSeat = this.#seat !== null && this.#seat < members;
    // Seats are numbered without gaps once all have sat down, so the dues add up to all partitions.
    const extra = hasSeat && (this.#seat ?? 0) < partitions % members ? 1 : 0;
    const due = Math.floor(partitions / members) + extra;
    await this.#giveBack(due);
    await this.#take(due);
    const hasShare = hasSeat && this.#owned.size === due;
    if (!this.#left) this.#trouble = hasShare ? null : hasSeat ? SHORT : SETTLING;
    return hasShare;
  }

  async #count(): Promise<number> {
    const { members } = this.#places;
    if (this.#counted === null) {
      const channel = await this.#openChannel();
      await channel.assertQueue(members, { durable: true, autoDelete: true });
      await channel.consume(members, (message) => {
        if (message === null && this.#counted === channel) this.#counted = null;
      });
      channel.on('close', () => {
        if (this.#counted === channel) this.#counted = null;
      });
      this.#counted = channel;
    }
    const { consumerCount } = await this.#counted.checkQueue(members);
    return Math.max(1, consumerCount);
  }

  /** Takes the lowest free seat, where that is lower than the one at hand. */
  async #sit(members: number): Promise<void> {
    const { seat } = this.#places;
    const before = this.#seat;
    const end = before === null ? SEATS_MAX : members;
    for (let number = 0; number < end; number += 1) {
      if (!(await this.#lock(seat(number)))) continue;
      this.#seat = number;
      if (before !== null) await this.#unlock(seat(before));
      return;
    }
  }

  async #giveBack(due: number): Promise<void> {
    const surplus = [...this.#owned].slice(due);
    if (surplus.length === 0) return;
    // First it is no longer this member's, then it may become another's.
    this.#own(this.#owned.difference(new Set(surplus)));
    for (const partition of surplus) await this.#unlock(this.#places.lock(partition));
  }

  async #take(due: number): Promise<void> {
    const { lock, partitions } = this.#places;
    // Members begin at different places, so as not to ask for each other's.
    const first = (this.#seat ?? 0) * Math.max(1, due);
    for (let index = 0; index < partitions && this.#owned.size < due; index += 1) {
      const partition = (first + index) % partitions;
      if (this.#owned.has(partition) || !(await this.#lock(lock(partition)))) continue;
      this.#own(this.#owned.union(new Set([partition])));
    }
  }

  /** Whether the queue is this connection's now; false where it is another's. */
  async #lock(queue: string): Promise<boolean> {
    const channel = await this.#ask();
    try {
      await channel.assertQueue(queue, { exclusive: true, durable: false });
    } catch (error) {
      if (replyCode(error) !== RESOURCE_LOCKED) throw error;
      return false;
    }
    if (this.#asking === channel) return true;
    throw this.#connection.unavailable();
  }

  async #unlock(queue: string): Promise<void> {
    await (await this.#ask()).deleteQueue(queue);
  }

  async #ask(): Promise<Channel> {
    if (this.#asking !== null) return this.#asking;
    const channel = await this.#openChannel();
    channel.on('close', () => {
      if (this.#asking === channel) this.#asking = null;
    });
    this.#asking = channel;
    return channel;
  }

  async #openChannel(): Promise<Channel> {
    const channel = await this.#connection.openChannel();
    if (!this.#left) return channel;
    void closeChannel(channel);
    throw this.#connection.unavailable();
  }

  #isSilent(): boolean {
    return elapsedMs(this.#heardAt) > SESSION_MS && this.#seat !== null;
  }

  #forget(trouble: string): void {
    this.#trouble = trouble;
    this.#seat = null;
    this.#asking = null;
    this.#counted = null;
    this.#own(NONE);
  }

  #own(owned: ReadonlySet<number>): void {
    if (owned.symmetricDifference(this.#owned).size === 0) return;
    this.#owned = owned;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** AMQP's reply code for a queue that is another connection's. */
const RESOURCE_LOCKED = 405;

interface Instant {
  readonly monotonic: number;
  readonly wall: number;
}

function instant(): Instant {
  return { monotonic: performance.now(), wall: Date.now() };
}

/** By the clock that says more: one may be set back, the other stands while the machine sleeps. */
function elapsedMs({ monotonic, wall }: Instant): number {
  return Math.max(performance.now() - monotonic, Date.now() - wall);
}
