/** Calls PulseService.Ingest by gRPC or Connect with as little work as can be, as a generator of load must. */
import { encodeIngestResponse } from '../src/domain/metering/wire-ingest.ts';
import { PULSE_METHODS } from '../src/edge/grpc/pulse-service.ts';
import { CONNECT_INGEST_PATH } from '../src/edge/http/connect-route.ts';
import { FLAG, FRAME, frame, hpackText } from './http2-frames.ts';
import { LoadSocket } from './load-socket.ts';

export interface PulseCaller extends Disposable {
  /** Resolves once every pulse of the request was accepted. @throws where it was answered otherwise. */
  call(request: Uint8Array): Promise<void>;
}

export interface CallerOptions {
  readonly port: number;
  readonly token: string;
  /** Of every request. */
  readonly pulses: number;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A call of which not everything is sent. */
interface Queued {
  readonly request: Uint8Array;
  readonly waiting: Waiting;
  /** Bytes of the message with its prefix that are sent; 0: the call has not begun. */
  sent: number;
}

const HEAD_BYTES = 9;
const FRAME_BYTES_MAX = 16_384;
const WINDOW_BYTES = 65_535;
const WIDE_WINDOW_BYTES = 1 << 30;
/** How many bytes of answers are read until the server may send as many again. */
const REFILL_BYTES = 1 << 20;
const SETTING_INITIAL_WINDOW = 4;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
/** Names of HPACK's dynamic table start behind those of the static one. */
const FIRST_DYNAMIC = 62;
const NO_DATA = new Uint8Array(0);

function acceptedAnswer(pulses: number): Buffer {
  return Buffer.from(encodeIngestResponse({ count: pulses, rejections: [] }));
}

/** One connection, any number of calls at a time. */
export class GrpcCaller implements PulseCaller {
  readonly #expected: Buffer;
  readonly #fields: readonly (readonly [string, string])[];
  readonly #waiting = new Map<number, Waiting & { bytes: number }>();
  readonly #queue: Queued[] = [];
  #socket: LoadSocket | null = null;
  #kept: Uint8Array = NO_DATA;
  #stream = 1;
  #window = WINDOW_BYTES;
  #streamWindow = WINDOW_BYTES;
  #read = 0;

  private constructor({ token, pulses }: CallerOptions) {
    const answer = acceptedAnswer(pulses);
    this.#expected = Buffer.concat([prefixOf(answer.length), answer]);
    this.#fields = [
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', PULSE_METHODS.ingest.path],
      [':authority', 'bench'],
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
      ['authorization', `Bearer ${token}`],
    ];
  }

  static async open(options: CallerOptions): Promise<GrpcCaller> {
    const caller = new GrpcCaller(options);
    const socket = await LoadSocket.open(options.port, {
      onData: (bytes) => caller.#take(bytes),
      onEnd: () => caller.#fail(new Error('The connection has ended.')),
    });
    caller.#socket = socket;
    socket.write(
      Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0), windowUpdate(WIDE_WINDOW_BYTES)]),
    );
    return caller;
  }

  call(request: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, waiting: { resolve, reject }, sent: 0 });
      this.#sendQueued();
    });
  }

  [Symbol.dispose](): void {
    this.#socket?.[Symbol.dispose]();
  }

  /** As far as the connection's window goes: a server gives it back in pieces of its own. */
  #sendQueued(): void {
    const parts: Uint8Array[] = [];
    for (let [next] = this.#queue; next !== undefined; [next] = this.#queue) {
      const length = next.request.length + 5;
      if (length > this.#streamWindow) throw new Error(`${length} bytes are too many for a call.`);
      if (this.#window <= 0) break;
      if (next.sent === 0) {
        this.#waiting.set(this.#stream, { ...next.waiting, bytes: 0 });
        parts.push(this.#headers());
      }
      const message = Buffer.concat([prefixOf(next.request.length), next.request]);
      while (next.sent < length && this.#window > 0) {
        const size = Math.min(FRAME_BYTES_MAX, length - next.sent, this.#window);
        const end = next.sent + size;
        const flags = end === length ? FLAG.endStream : 0;
        parts.push(frame(FRAME.data, flags, this.#stream, message.subarray(next.sent, end)));
        this.#window -= size;
        next.sent = end;
      }
      if (next.sent < length) break;
      this.#queue.shift();
      this.#stream += 2;
    }
    if (parts.length > 0) this.#socket?.write(Buffer.concat(parts));
  }

  #headers(): Uint8Array {
    const fields = this.#fields.length;
    // The server keeps the fields of the first call: later ones name their places.
    const block =
      this.#stream === 1
        ? Buffer.concat(
            this.#fields.map(([name, value]) =>
              Buffer.concat([Buffer.of(0x40), hpackText(name), hpackText(value)]),
            ),
          )
        : Uint8Array.from(this.#fields, (_, at) => 0x80 | (FIRST_DYNAMIC + fields - 1 - at));
    return frame(FRAME.headers, FLAG.endHeaders, this.#stream, block);
  }

  #take(bytes: Uint8Array): void {
    const all = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    const view = new DataView(all.buffer, all.byteOffset, all.length);
    let at = 0;
    while (all.length - at >= HEAD_BYTES) {
      const length = view.getUint16(at) * 256 + view.getUint8(at + 2);
      const end = at + HEAD_BYTES + length;
      if (all.length < end) break;
      this.#frame(
        view.getUint8(at + 3),
        view.getUint8(at + 4),
        view.getUint32(at + 5) & 0x7fff_ffff,
        all.subarray(at + HEAD_BYTES, end),
      );
      at = end;
    }
    this.#kept = at === all.length ? NO_DATA : all.slice(at);
  }

  #frame(type: number, flags: number, stream: number, payload: Uint8Array): void {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    const call = this.#waiting.get(stream);
    switch (type) {
      case FRAME.data:
        this.#refill(payload.length);
        if (call !== undefined) {
          const from = call.bytes;
          call.bytes += payload.length;
          const isExpected = this.#expected.subarray(from, call.bytes).equals(payload);
          if (!isExpected) this.#fail(new Error(`Stream ${stream}: not every pulse was accepted.`));
        }
        break;
      case FRAME.headers:
        if (call === undefined || (flags & FLAG.endStream) === 0) return;
        this.#waiting.delete(stream);
        if (call.bytes === this.#expected.length) call.resolve();
        else call.reject(new Error(`Stream ${stream} was ended with ${call.bytes} bytes.`));
        return;
      case FRAME.settings:
        if ((flags & FLAG.ack) !== 0) return;
        for (let at = 0; at + 6 <= payload.length; at += 6) {
          if (view.getUint16(at) === SETTING_INITIAL_WINDOW) {
            this.#streamWindow = view.getUint32(at + 2);
          }
        }
        this.#socket?.write(frame(FRAME.settings, FLAG.ack, 0));
        return;
      case FRAME.windowUpdate:
        if (stream === 0) this.#window += view.getUint32(0);
        this.#sendQueued();
        return;
      case FRAME.ping:
        if ((flags & FLAG.ack) === 0) {
          this.#socket?.write(frame(FRAME.ping, FLAG.ack, 0, payload.slice()));
        }
        return;
      case FRAME.rstStream:
      case FRAME.goaway:
        this.#fail(new Error(`The server gave stream ${stream} up.`));
    }
  }

  #refill(length: number): void {
    this.#read += length;
    if (this.#read < REFILL_BYTES) return;
    this.#socket?.write(windowUpdate(this.#read));
    this.#read = 0;
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    for (const { waiting } of this.#queue.splice(0)) waiting.reject(error);
    this.#waiting.clear();
  }
}

/** One connection, one call at a time. */
export class ConnectCaller implements PulseCaller {
  readonly #options: CallerOptions;
  readonly #expected: Buffer;
  #socket: LoadSocket | null = null;
  #kept: Buffer = Buffer.alloc(0);
  #waiting: Waiting | null = null;

  private constructor(options: CallerOptions) {
    this.#options = options;
    this.#expected = acceptedAnswer(options.pulses);
  }

  static async open(options: CallerOptions): Promise<ConnectCaller> {
    const caller = new ConnectCaller(options);
    caller.#socket = await LoadSocket.open(options.port, {
      onData: (bytes) => caller.#take(bytes),
      onEnd: () => caller.#waiting?.reject(new Error('The connection has ended.')),
    });
    return caller;
  }

  call(request: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      const head =
        `POST ${CONNECT_INGEST_PATH} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/proto\r\n` +
        `authorization: Bearer ${this.#options.token}\r\ncontent-length: ${request.length}\r\n\r\n`;
      this.#socket?.write(Buffer.concat([Buffer.from(head, 'latin1'), request]));
    });
  }

  [Symbol.dispose](): void {
    this.#socket?.[Symbol.dispose]();
  }

  #take(bytes: Uint8Array): void {
    this.#kept = Buffer.concat([this.#kept, bytes]);
    const headEnd = this.#kept.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = this.#kept.toString('latin1', 0, headEnd);
    const [, length = '0'] = /content-length: (\d+)/i.exec(head) ?? [];
    if (this.#kept.length < headEnd + 4 + Number(length)) return;
    const answer = this.#kept.subarray(headEnd + 4);
    const isAccepted = head.startsWith('HTTP/1.1 200 ') && this.#expected.equals(answer);
    const waiting = this.#waiting;
    this.#kept = Buffer.alloc(0);
    this.#waiting = null;
    if (isAccepted) waiting?.resolve();
    else waiting?.reject(new Error(`Not every pulse was accepted: ${head}`));
  }
}

function prefixOf(length: number): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(length, 1);
  return prefix;
}

function windowUpdate(bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(FRAME.windowUpdate, 0, 0, payload);
}
