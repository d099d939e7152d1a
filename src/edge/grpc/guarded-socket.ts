/** A connection whose bytes pass a FrameGuard on their way in; what breaks a limit is cut off. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Breach, FrameGuard } from './frame-guard.ts';

export interface GuardedSocketOptions {
  readonly guard: FrameGuard;
  /** How long a peer may say nothing at first, ms. */
  readonly silenceMsMax: number;
  readonly onBreach: (breach: Breach | 'silence') => void;
}

/**
 * Not the socket itself: given that, the runtime would read it below JavaScript, past every guard. The
 * properties are those that HTTP/2 and gRPC ask of a socket.
 */
export class GuardedSocket extends Duplex {
  readonly #socket: Socket;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;

  constructor(socket: Socket, { guard, silenceMsMax, onBreach }: GuardedSocketOptions) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    // Kept: a socket that has closed no longer knows them, and whoever asks then still wants to know.
    this.remoteAddress = socket.remoteAddress;
    this.remotePort = socket.remotePort;
    this.localAddress = socket.localAddress;
    this.localPort = socket.localPort;
    const cutOff = (breach: Breach | 'silence'): void => {
      onBreach(breach);
      this.destroy();
    };
    const silence = setTimeout(() => {
      if (guard.frames === 0) cutOff('silence');
    }, silenceMsMax);
    socket.on('data', (bytes: Buffer) => {
      if (this.destroyed) return;
      const breach = guard.read(bytes);
      if (breach !== null) cutOff(breach);
      else if (!this.push(bytes)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => {
      clearTimeout(silence);
      this.destroy();
    });
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    if (this.#socket.write(chunk)) done();
    else this.#socket.once('drain', () => done());
  }

  override _writev(chunks: readonly { chunk: Buffer }[], done: (error?: Error) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'buffer', done);
  }

  override _final(done: (error?: Error) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  /** Nagle's waiting is off for every connection. */
  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  /** gRPC has times of its own. */
  setTimeout(): this {
    return this;
  }

  ref(): this {
    this.#socket.ref();
    return this;
  }

  unref(): this {
    this.#socket.unref();
    return this;
  }
}
