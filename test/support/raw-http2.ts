/** HTTP/2 frame by frame over a plain socket: what no well-behaved client sends. */
import { connect, type Socket } from 'node:net';

export const FRAME = {
  ...{ data: 0, headers: 1, priority: 2, rstStream: 3, settings: 4, ping: 6, goaway: 7 },
  ...{ windowUpdate: 8, continuation: 9, unknown: 0xfe },
} as const;
export const FLAG = { ack: 1, endStream: 1, endHeaders: 4 } as const;

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export class RawHttp2 implements Disposable {
  readonly socket: Socket;
  readonly received: RawFrame[] = [];
  #buffered = Buffer.alloc(0);
  isClosed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  /** Resolves once connected; says nothing yet. */
  static async silent(port: number): Promise<RawHttp2> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const raw = new RawHttp2(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return raw;
  }

  /** Resolves once connected; has sent the preface and its settings. */
  static async open(port: number): Promise<RawHttp2> {
    const raw = await RawHttp2.silent(port);
    raw.write(PREFACE, frame(FRAME.settings, 0, 0), frame(FRAME.settings, FLAG.ack, 0));
    return raw;
  }

  write(...parts: readonly Uint8Array[]): void {
    if (!this.isClosed) this.socket.write(Buffer.concat(parts));
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #read(bytes: Buffer): void {
    this.#buffered = Buffer.concat([this.#buffered, bytes]);
    while (this.#buffered.length >= 9) {
      const length = this.#buffered.readUIntBE(0, 3);
      if (this.#buffered.length < 9 + length) return;
      this.received.push({
        type: this.#buffered.readUInt8(3),
        flags: this.#buffered.readUInt8(4),
        stream: this.#buffered.readUInt32BE(5) & 0x7fff_ffff,
        payload: this.#buffered.subarray(9, 9 + length),
      });
      this.#buffered = this.#buffered.subarray(9 + length);
    }
  }
}

/** `length`: what the frame says of itself, where that is not the truth. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(0),
  length = payload.length,
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Fields as HPACK: each a literal that is not kept. */
export function headerBlock(fields: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(fields).map(([name, value]) =>
      Buffer.concat([Buffer.of(0), hpackText(name), hpackText(value)]),
    ),
  );
}

/** The headers of a gRPC call. */
export function callHeaders(path: string, token: string | null): Readonly<Record<string, string>> {
  return {
    ...{ ':method': 'POST', ':scheme': 'http', ':path': path, ':authority': 'apura.test' },
    ...{ 'content-type': 'application/grpc', te: 'trailers' },
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
}

export function hpackText(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length: number[] = [];
  if (bytes.length < 127) {
    length.push(bytes.length);
  } else {
    length.push(127);
    let rest = bytes.length - 127;
    for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}
