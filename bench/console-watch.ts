/** An operator's console that stays connected while votes come, and remembers every second of it. */
import type { OperatorApi } from '../src/edge/cli/operator-api.ts';

/** What the console is told once a second. */
export interface OpsSecond {
  readonly door: {
    readonly received: number;
    readonly accepted: number;
    readonly rejected: Readonly<Record<string, number>>;
    readonly unknown: number;
    readonly acceptedPerSecond: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
  };
  readonly lag: { readonly tallyMs: number; readonly ledgerMs: number };
  readonly consistency: { readonly state: string; readonly detail: string | null };
  readonly processes: readonly { readonly rssBytes: number; readonly cpuPercent: number }[];
}

type Message =
  | ({ readonly type: 'ops' } & OpsSecond)
  | { readonly type: 'tick'; readonly poll: string; readonly total: number }
  | { readonly type: 'hello' | 'poll' | 'act' };

export class ConsoleWatch implements Disposable {
  readonly seconds: OpsSecond[] = [];
  readonly #socket: WebSocket;
  readonly #totals = new Map<string, number>();
  #ticks = 0;
  #closed = false;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onclose = () => {
      this.#closed = true;
    };
    socket.onmessage = ({ data }) => this.#take(JSON.parse(String(data)) as Message);
  }

  static async open({ url, token }: OperatorApi): Promise<ConsoleWatch> {
    const address = new URL('/v1/console/live', url);
    address.protocol = 'ws:';
    // Bun's own constructor: a browser's takes no headers.
    const socket = new WebSocket(address, { headers: { authorization: `Bearer ${token}` } });
    const watch = new ConsoleWatch(socket);
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new Error('The console feed refused the operator.'));
    });
    return watch;
  }

  /** Updates of counts that came. */
  get ticks(): number {
    return this.#ticks;
  }

  /** The poll's total as shown last. */
  total(poll: string): number {
    return this.#totals.get(poll) ?? 0;
  }

  /** @throws where the server has cut the console off, or found its stores to differ. */
  check(): void {
    if (this.#closed) throw new Error('The server has closed the console feed.');
    const different = this.seconds.find(({ consistency }) => consistency.state === 'different');
    if (different !== undefined) throw new Error(String(different.consistency.detail));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #take(message: Message): void {
    if (message.type === 'ops') this.seconds.push(message);
    if (message.type !== 'tick') return;
    this.#ticks += 1;
    this.#totals.set(message.poll, message.total);
  }
}
