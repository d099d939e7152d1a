/** A connection of a load generator: keeps what the kernel does not take yet, and adds little cost of its own. */

export interface LoadSocketHandler {
  /** The bytes are the callee's only until it returns. */
  onData(bytes: Uint8Array): void;
  onEnd(): void;
}

export class LoadSocket implements Disposable {
  readonly #waiting: Uint8Array[] = [];
  #socket: Bun.Socket<undefined> | null = null;

  static async open(port: number, handler: LoadSocketHandler): Promise<LoadSocket> {
    const connection = new LoadSocket();
    connection.#socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        data: (_, bytes) => handler.onData(bytes),
        drain: () => connection.#flush(),
        close: () => handler.onEnd(),
        error: () => handler.onEnd(),
      },
    });
    return connection;
  }

  /** Takes the bytes over: they must not change any more. */
  write(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    if (this.#waiting.length === 1) this.#flush();
  }

  [Symbol.dispose](): void {
    this.#socket?.terminate();
  }

  #flush(): void {
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined) return;
      const written = Math.max(this.#socket?.write(first) ?? 0, 0);
      if (written < first.length) {
        this.#waiting[0] = first.subarray(written);
        return;
      }
      this.#waiting.shift();
    }
  }
}
