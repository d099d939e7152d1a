/**
 * Reads HTTP/1.1 answers off a socket: as little as a vote's answer needs, robust against answers
 * cut anywhere, and loud about everything that it does not understand.
 */

/**
 * - `response`: one answer is whole; its fields hold until the next call.
 * - `incomplete`: more bytes are needed.
 * - `malformed`: the bytes are not an HTTP/1.x answer.
 * - `chunked`: the answer has a transfer encoding, which votes' answers never need.
 * - `no_length`: the answer has a body that only the connection's end delimits.
 * - `too_large`: the head or the body is over its limit.
 *
 * After anything but the first two the connection can't be read on.
 */
export type ParseStep =
  | 'response'
  | 'incomplete'
  | 'malformed'
  | 'chunked'
  | 'no_length'
  | 'too_large';

const HEAD_BYTES_MAX = 16 * 1024;
const BODY_BYTES_MAX = 256 * 1024;
const NUMBER_DIGITS_MAX = 15;
const NEWLINE = 10;
const RETURN = 13;
const EMPTY = new Uint8Array(0);
/** `HTTP/1.` */
const PREFIX = new TextEncoder().encode('HTTP/1.');
const STATUS_AT = 9;
const STATUS_LINE_BYTES_MIN = 12;

export class ResponseParser {
  /** Of the answer that `next` found last. */
  status = 0;
  /** Whether the server keeps the connection open behind this answer. */
  keepAlive = true;
  /** Seconds of Retry-After; 0 without one. */
  retryAfterSeconds = 0;
  /** The answer's body is `buffer[bodyStart … bodyEnd)`. */
  buffer: Uint8Array = EMPTY;
  bodyStart = 0;
  bodyEnd = 0;

  #at = 0;
  #contentLength = -1;
  #transferEncoding = false;
  #badHeader = false;

  /** Takes the next bytes of the connection. The fields of an answer found earlier end here. */
  feed(chunk: Uint8Array): void {
    const rest = this.buffer.length - this.#at;
    if (rest === 0) {
      this.buffer = chunk;
    } else {
      const joined = new Uint8Array(rest + chunk.length);
      joined.set(this.buffer.subarray(this.#at));
      joined.set(chunk, rest);
      this.buffer = joined;
    }
    this.#at = 0;
  }

  /** Looks for the next whole answer in what was fed. */
  next(): ParseStep {
    for (;;) {
      const step = this.#nextMessage();
      // 1xx answers only announce the one that counts; nothing here asks for another protocol.
      if (step !== 'response' || this.status >= 200) return step;
      if (this.status === 101) return 'malformed';
    }
  }

  /** Forgets everything, for a new connection. */
  reset(): void {
    this.buffer = EMPTY;
    this.#at = 0;
  }

  #nextMessage(): ParseStep {
    const { buffer } = this;
    const start = this.#at;
    const known = Math.min(PREFIX.length, buffer.length - start);
    for (let byte = 0; byte < known; byte += 1) {
      if (buffer[start + byte] !== PREFIX[byte]) return 'malformed';
    }
    const headEnd = this.#readHead(start);
    if (headEnd < 0) {
      return buffer.length - start > HEAD_BYTES_MAX ? 'too_large' : 'incomplete';
    }
    if (headEnd - start > HEAD_BYTES_MAX) return 'too_large';
    if (this.status < 100 || this.status > 599 || this.#badHeader) return 'malformed';
    if (this.#transferEncoding) return 'chunked';
    const bodiless = this.status < 200 || this.status === 204 || this.status === 304;
    if (!bodiless && this.#contentLength < 0) return 'no_length';
    const length = bodiless ? 0 : this.#contentLength;
    if (length > BODY_BYTES_MAX) return 'too_large';
    if (buffer.length - headEnd < length) return 'incomplete';
    this.bodyStart = headEnd;
    this.bodyEnd = headEnd + length;
    this.#at = this.bodyEnd;
    return 'response';
  }

  /** Reads status and headers from `start`; where the body begins, or -1 while the head is not whole. */
  #readHead(start: number): number {
    const { buffer } = this;
    this.#contentLength = -1;
    this.#transferEncoding = false;
    this.#badHeader = false;
    this.retryAfterSeconds = 0;
    let lineStart = start;
    for (;;) {
      const newline = buffer.indexOf(NEWLINE, lineStart);
      if (newline < 0) return -1;
      const lineEnd = newline > lineStart && buffer[newline - 1] === RETURN ? newline - 1 : newline;
      if (lineStart === start) this.#readStatusLine(lineStart, lineEnd);
      else if (lineEnd === lineStart) return newline + 1;
      else this.#readHeader(lineStart, lineEnd);
      lineStart = newline + 1;
    }
  }

  #readStatusLine(start: number, end: number): void {
    const { buffer } = this;
    this.status = 0;
    if (end - start < STATUS_LINE_BYTES_MIN) return;
    this.keepAlive = buffer[start + PREFIX.length] !== 0x30;
    let status = 0;
    for (let at = start + STATUS_AT; at < start + STATUS_AT + 3; at += 1) {
      const digit = (buffer[at] as number) - 0x30;
      if (digit < 0 || digit > 9) return;
      status = status * 10 + digit;
    }
    this.status = status;
  }

  #readHeader(start: number, end: number): void {
    // By the first letter, so that most headers cost one comparison.
    switch ((this.buffer[start] as number) | 0x20) {
      case 0x63: // c
        if (this.#isNamed(start, end, 'content-length:')) {
          const length = this.#number(start + 15, end);
          if (length < 0 || (this.#contentLength >= 0 && this.#contentLength !== length)) {
            this.#badHeader = true;
          }
          this.#contentLength = length;
        } else if (this.#isNamed(start, end, 'connection:')) {
          const value = this.#text(start + 11, end).toLowerCase();
          if (value.includes('close')) this.keepAlive = false;
          else if (value.includes('keep-alive')) this.keepAlive = true;
        }
        return;
      case 0x74: // t
        if (this.#isNamed(start, end, 'transfer-encoding:')) this.#transferEncoding = true;
        return;
      case 0x72: // r
        if (this.#isNamed(start, end, 'retry-after:')) {
          this.retryAfterSeconds = Math.max(0, this.#number(start + 12, end));
        }
        return;
      default:
        return;
    }
  }

  #isNamed(start: number, end: number, name: string): boolean {
    if (end - start < name.length) return false;
    for (let at = 0; at < name.length; at += 1) {
      const byte = this.buffer[start + at] as number;
      const lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
      if (lower !== name.charCodeAt(at)) return false;
    }
    return true;
  }

  /** The decimal number between blanks, or -1. */
  #number(start: number, end: number): number {
    const { buffer } = this;
    let from = start;
    let to = end;
    while (from < to && isBlank(buffer[from] as number)) from += 1;
    while (to > from && isBlank(buffer[to - 1] as number)) to -= 1;
    if (from === to || to - from > NUMBER_DIGITS_MAX) return -1;
    let number = 0;
    for (let at = from; at < to; at += 1) {
      const digit = (buffer[at] as number) - 0x30;
      if (digit < 0 || digit > 9) return -1;
      number = number * 10 + digit;
    }
    return number;
  }

  #text(start: number, end: number): string {
    return String.fromCharCode(...this.buffer.subarray(start, end)).trim();
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}
