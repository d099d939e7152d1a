/** Calls between threads: the methods of an object in one thread, as promises in another. */

/** The part of a worker, or of its parent's port, that calls go over. */
export interface CallPort {
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

interface Call {
  readonly call: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** An error on its way between threads: a class does not survive the passage, a code does. */
export interface PassedError {
  readonly code: string | null;
  readonly message: string;
}

type Reply =
  | { readonly reply: number; readonly value: unknown }
  | { readonly reply: number; readonly error: PassedError };

const has = <K extends string>(value: unknown, key: K): value is Record<K, unknown> =>
  typeof value === 'object' && value !== null && key in value;

const isCall = (message: unknown): message is Call =>
  has(message, 'call') && has(message, 'method');
const isReply = (message: unknown): message is Reply => has(message, 'reply');

export function passError(error: unknown): PassedError {
  const code = has(error, 'code') && typeof error.code === 'string' ? error.code : null;
  return { code, message: error instanceof Error ? error.message : String(error) };
}

/** Answers the other side's calls with the methods of `target`, for as long as the port lives. */
export function answerCalls(port: CallPort, target: object): void {
  const methods: Record<string, unknown> = Object.assign(Object.create(null), target);
  port.on('message', (message) => {
    if (!isCall(message)) return;
    void (async () => {
      try {
        const method = methods[message.method];
        if (typeof method !== 'function') throw new TypeError(`No method ${message.method}.`);
        port.postMessage({ reply: message.call, value: await method(...message.args) });
      } catch (error) {
        port.postMessage({ reply: message.call, error: passError(error) });
      }
    })();
  });
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The calling side. Its promises reject with what `revive` makes of the other side's error. */
export class RemoteCalls {
  readonly #port: CallPort;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #broken: unknown = null;

  constructor(port: CallPort, revive: (error: PassedError) => Error) {
    this.#port = port;
    port.on('message', (message) => {
      if (!isReply(message)) return;
      const waiting = this.#waiting.get(message.reply);
      this.#waiting.delete(message.reply);
      if ('error' in message) waiting?.reject(revive(message.error));
      else waiting?.resolve(message.value);
    });
  }

  /** Calls a method over there; `transfer` moves buffers instead of copying them. */
  call(method: string, args: readonly unknown[], transfer: ArrayBuffer[] = []): Promise<unknown> {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    this.#calls += 1;
    const call = this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      this.#port.postMessage({ call, method, args } satisfies Call, transfer);
    });
  }

  /** The other side is gone: every waiting and every later call rejects with `error`. */
  breakOff(error: unknown): void {
    this.#broken = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
