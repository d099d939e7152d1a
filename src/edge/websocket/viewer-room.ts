/**
 * The viewers of one thing: every message is written once and published to topics of bounded size, one
 * topic a turn, so that ten thousand viewers cost no vote a long wait. A viewer that does not read what
 * it is sent is cut off.
 */
import {
  CLOSE_TRY_LATER,
  type LiveServer,
  type LiveSocket,
  type LiveSocketData,
} from './live-socket.ts';
import type { TurnQueue } from './turn-queue.ts';

/** Publishing to so many sockets takes about two milliseconds. */
export const TOPIC_VIEWERS_MAX = 512;
/** Messages that one topic may be behind; only a standstill of whole seconds makes that many. */
const PENDING_MAX = 256;

interface Topic<Data extends LiveSocketData> {
  readonly name: string;
  readonly server: LiveServer;
  readonly viewers: Set<LiveSocket<Data>>;
  /** Not published yet, by slot, in the order in which the slots were filled. */
  readonly pending: Map<string, string>;
  readonly publish: () => void;
}

export class ViewerRoom<Data extends LiveSocketData> {
  readonly #name: string;
  readonly #queue: TurnQueue;
  readonly #bufferBytesMax: number;
  readonly #topics: Topic<Data>[] = [];
  #made = 0;
  #published = 0;
  #size = 0;

  /**
   * `name` starts the names of the room's topics: no other room may have it. `bufferBytesMax` is what
   * may wait for one viewer beyond the system's own buffers.
   */
  constructor(name: string, queue: TurnQueue, bufferBytesMax: number) {
    this.#name = name;
    this.#queue = queue;
    this.#bufferBytesMax = bufferBytesMax;
  }

  get size(): number {
    return this.#size;
  }

  /** From the next message on the viewer gets all; what it missed before is its caller's to send. */
  add(socket: LiveSocket<Data>): void {
    const { server } = socket.data;
    let topic = this.#topics.find(
      (known) => known.server === server && known.viewers.size < TOPIC_VIEWERS_MAX,
    );
    if (topic === undefined) {
      topic = this.#makeTopic(server);
      this.#topics.push(topic);
    }
    // What waits is older than what the viewer has seen already.
    this.#publish(topic);
    topic.viewers.add(socket);
    socket.subscribe(topic.name);
    this.#size += 1;
  }

  /** Taking out a viewer that is not in the room changes nothing. */
  remove(socket: LiveSocket<Data>): void {
    const index = this.#topics.findIndex(({ viewers }) => viewers.delete(socket));
    const topic = this.#topics[index];
    if (topic === undefined) return;
    this.#size -= 1;
    // A socket that has closed is subscribed to nothing any more.
    if (socket.readyState === WebSocket.OPEN) socket.unsubscribe(topic.name);
    if (topic.viewers.size === 0) this.#topics.splice(index, 1);
  }

  /** Sends the message to every viewer, in place of an older one of the slot that is still waiting. */
  publish(slot: string, message: string): void {
    for (const topic of this.#topics) {
      topic.pending.set(slot, message);
      if (topic.pending.size > PENDING_MAX) {
        const [oldest] = topic.pending.keys();
        if (oldest !== undefined) topic.pending.delete(oldest);
      }
      this.#queue.add(topic.publish);
    }
  }

  /** Sends the message to every viewer: a later one does not take its place. */
  publishEach(message: string): void {
    this.#published += 1;
    this.publish(`#${this.#published}`, message);
  }

  /** Every viewer, to be closed. */
  *viewers(): Generator<LiveSocket<Data>> {
    for (const { viewers } of [...this.#topics]) yield* [...viewers];
  }

  #makeTopic(server: LiveServer): Topic<Data> {
    this.#made += 1;
    const topic: Topic<Data> = {
      name: `${this.#name} ${this.#made}`,
      server,
      viewers: new Set(),
      pending: new Map(),
      publish: () => this.#publish(topic),
    };
    return topic;
  }

  #publish(topic: Topic<Data>): void {
    if (topic.pending.size === 0) return;
    for (const socket of topic.viewers) {
      if (socket.getBufferedAmount() > this.#bufferBytesMax) {
        socket.close(CLOSE_TRY_LATER, 'too slow');
      }
    }
    const messages = [...topic.pending.values()];
    topic.pending.clear();
    for (const message of messages) topic.server.publish(topic.name, message);
  }
}
