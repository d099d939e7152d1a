/**
 * One keep-alive connection to the vote route, on a bare socket: an HTTP client that makes objects
 * for each request could not make enough of them on one core. It comes back by itself when it is
 * lost, also from a server that was killed.
 */
import type { Socket } from 'bun';
import { ResponseParser } from './response-parser.ts';
import type { ConnectionFailure } from './run-record.ts';
import type { VoteRequests } from './vote-requests.ts';

/** Who sends votes through the connection, and hears what became of them. */
export interface ConnectionOwner {
  /**
   * An answer to `vote` is whole; the parser's fields hold it. False where it can't belong to the
   * vote: the connection is dropped then.
   */
  answered(vote: number, sentAt: number, answer: ResponseParser, now: number): boolean;
  /** The connection ended before an answer to `vote`: it may have arrived. */
  lost(vote: number): void;
  /** The connection has room for votes, after it had none. */
  hasRoom(connection: VoteConnection): void;
  /** The connection has no room, after it had some, because it was lost. */
  hasNoRoom(connection: VoteConnection): void;
  /** Every answer of one read was handed over: time to send what is due. */
  readEnded(now: number): void;
  /** The connection could not be made, or was lost for this reason. */
  failed(reason: ConnectionFailure): void;
  /** Handling an event threw: the run can't be trusted. */
  broke(error: Error): void;
}

export interface ConnectionSettings {
  readonly hostname: string;
  readonly port: number;
  /** Requests under way at once on a connection: 1 is without pipelining. */
  readonly pipeline: number;
  /** An answer that takes longer drops the connection. */
  readonly timeoutMs: number;
  monotonic(): number;
  /** In [0, 1): spreads reconnections. */
  random(): number;
}

const RECONNECT_FIRST_MS = 20;
const RECONNECT_MAX_MS = 1_000;

export class VoteConnection {
  readonly #settings: ConnectionSettings;
  readonly #requests: VoteRequests;
  readonly #owner: ConnectionOwner;
  readonly #parser = new ResponseParser();
  /** Votes under way, oldest at `#head`, and when each left. */
  readonly #votes: Uint32Array;
  readonly #sentAt: Float64Array;
  #head = 0;
  #underWay = 0;
  /** Bytes that the kernel has not taken yet: `[#outStart, #outEnd)`. */
  readonly #out: Uint8Array;
  #outStart = 0;
  #outEnd = 0;
  #socket: Socket<VoteConnection> | null = null;
  #closed = false;
  #reconnectMs = RECONNECT_FIRST_MS;
  #reconnectTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(settings: ConnectionSettings, requests: VoteRequests, owner: ConnectionOwner) {
    this.#settings = settings;
    this.#requests = requests;
    this.#owner = owner;
    this.#votes = new Uint32Array(settings.pipeline);
    this.#sentAt = new Float64Array(settings.pipeline);
    this.#out = new Uint8Array(settings.pipeline * requests.bytesMax);
  }

  /** How many votes it can take now. */
  get room(): number {
    if (this.#socket === null || this.#outEnd > 0) return 0;
    return this.#settings.pipeline - this.#underWay;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Connects, and keeps trying until it is closed. */
  connect(): void {
    this.#reconnectTimer = null;
    const { hostname, port } = this.#settings;
    Bun.connect<VoteConnection>({ hostname, port, data: this, socket: SOCKET_HANDLERS }).catch(() =>
      this.#lostConnection('refused', this.#reconnectMs),
    );
  }

  /** Adds a vote to what the next `flush` sends; there must be room. */
  put(vote: number, option: number, idTime: number, now: number): void {
    const at = (this.#head + this.#underWay) % this.#settings.pipeline;
    this.#votes[at] = vote;
    this.#sentAt[at] = now;
    this.#underWay += 1;
    this.#outEnd = this.#requests.write(this.#out, this.#outEnd, option, vote, idTime);
  }

  /** Hands what was put to the kernel, as much as it takes; the rest follows by itself. */
  flush(): void {
    const written = this.#socket?.write(this.#out, this.#outStart, this.#outEnd - this.#outStart);
    // A negative count means that the socket is gone: its close event says the rest.
    if (written === undefined || written < 0) return;
    this.#outStart += written;
    if (this.#outStart < this.#outEnd) return;
    this.#outStart = 0;
    this.#outEnd = 0;
  }

  /** Drops the connection if its oldest vote has waited too long for an answer. */
  checkTimeout(now: number): void {
    if (this.#underWay === 0) return;
    const sentAt = this.#sentAt[this.#head] as number;
    if (now - sentAt > this.#settings.timeoutMs) this.#drop('timeout', 0);
  }

  /** Ends the connection for good; votes under way are lost. */
  close(): void {
    this.#closed = true;
    if (this.#reconnectTimer !== null) clearTimeout(this.#reconnectTimer);
    this.#reconnectTimer = null;
    if (this.#socket !== null) this.#drop('lost', 0);
  }

  opened(socket: Socket<VoteConnection>): void {
    if (this.#closed) {
      socket.terminate();
      return;
    }
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#parser.reset();
    this.#owner.hasRoom(this);
  }

  received(socket: Socket<VoteConnection>, chunk: Uint8Array): void {
    if (socket !== this.#socket) return;
    const now = this.#settings.monotonic();
    this.#parser.feed(chunk);
    const hadRoom = this.room > 0;
    const failure = this.#readAnswers(now);
    if (failure !== null) this.#drop(failure, failure === 'lost' ? 0 : this.#reconnectMs);
    else if (!hadRoom && this.room > 0) this.#owner.hasRoom(this);
    this.#owner.readEnded(now);
  }

  drained(): void {
    if (this.#outEnd === 0) return;
    this.flush();
    if (this.room > 0) this.#owner.hasRoom(this);
  }

  ended(socket: Socket<VoteConnection>): void {
    if (socket === this.#socket) this.#drop('lost', this.#reconnectMs);
  }

  broke(error: Error): void {
    this.#owner.broke(error);
  }

  /** Null while the connection can be read on. */
  #readAnswers(now: number): ConnectionFailure | null {
    const parser = this.#parser;
    for (;;) {
      const step = parser.next();
      if (step === 'incomplete') return null;
      if (step !== 'response') return 'malformed_answer';
      if (this.#underWay === 0) return 'unasked_answer';
      const vote = this.#votes[this.#head] as number;
      const sentAt = this.#sentAt[this.#head] as number;
      this.#head = (this.#head + 1) % this.#settings.pipeline;
      this.#underWay -= 1;
      if (!this.#owner.answered(vote, sentAt, parser, now)) return 'wrong_answer';
      this.#reconnectMs = RECONNECT_FIRST_MS;
      if (!parser.keepAlive) return 'lost';
    }
  }

  #drop(failure: ConnectionFailure, reconnectInMs: number): void {
    this.#socket?.terminate();
    this.#lostConnection(failure, reconnectInMs);
  }

  #lostConnection(failure: ConnectionFailure, reconnectInMs: number): void {
    if (this.room > 0) this.#owner.hasNoRoom(this);
    this.#socket = null;
    this.#outStart = 0;
    this.#outEnd = 0;
    for (; this.#underWay > 0; this.#underWay -= 1) {
      this.#owner.lost(this.#votes[this.#head] as number);
      this.#head = (this.#head + 1) % this.#settings.pipeline;
    }
    if (this.#closed) return;
    this.#owner.failed(failure);
    if (this.#reconnectTimer !== null) return;
    const spread = 0.5 + this.#settings.random() / 2;
    this.#reconnectTimer = setTimeout(() => this.connect(), reconnectInMs * spread);
    this.#reconnectMs = Math.min(RECONNECT_MAX_MS, this.#reconnectMs * 2);
  }
}

/** One set of handlers for all: the socket carries its connection. */
const SOCKET_HANDLERS = {
  binaryType: 'uint8array',
  open(socket: Socket<VoteConnection>) {
    socket.data.opened(socket);
  },
  data(socket: Socket<VoteConnection>, chunk: Uint8Array) {
    socket.data.received(socket, chunk);
  },
  drain(socket: Socket<VoteConnection>) {
    socket.data.drained();
  },
  end(socket: Socket<VoteConnection>) {
    socket.data.ended(socket);
  },
  close(socket: Socket<VoteConnection>) {
    socket.data.ended(socket);
  },
  // Only a handler that throws comes here: a fault of the generator, which must not pass for the net's.
  error(socket: Socket<VoteConnection>, error: Error) {
    socket.data.broke(error);
  },
} as const;
