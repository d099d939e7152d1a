/** A thread of `serve`, seen from the main thread: started, called, listened to, stopped. */
import type { Worker } from 'node:worker_threads';
import { isErrorCode } from '../domain/error-codes.ts';
import { ApuraError } from '../domain/errors.ts';
import { type PassedError, RemoteCalls } from '../runtime/remote-calls.ts';
import type { ThreadEvent } from './thread-entry.ts';

/** Makes the worker of an entry in src/threads. Only a file directly in src/ can: see main.ts. */
export type SpawnThread = (name: ThreadName, settings: unknown) => Worker;
export type ThreadName = 'log' | 'tally' | 'ledger' | 'query' | 'metering';

export interface ThreadListener {
  /** The thread goes on, but something failed. */
  readonly onTrouble: (error: Error) => void;
  /** The thread's part is over for good. */
  readonly onHalted: (error: Error) => void;
  readonly onTold: (what: unknown) => void;
}

/** The error that another thread's error was, as far as it survives the passage. */
function reviveError({ code, message }: PassedError): Error {
  return isErrorCode(code) ? new ApuraError(code, message) : new Error(message);
}

export class Thread {
  readonly name: ThreadName;
  readonly calls: RemoteCalls;
  readonly #worker: Worker;
  #halted: Error | null = null;
  #stopping = false;

  private constructor(name: ThreadName, worker: Worker) {
    this.name = name;
    this.#worker = worker;
    this.calls = new RemoteCalls(worker, reviveError);
  }

  /** Resolves once the thread is ready. @throws what its start threw. */
  static async start(
    spawn: SpawnThread,
    name: ThreadName,
    settings: unknown,
    listener: ThreadListener,
  ): Promise<Thread> {
    const worker = spawn(name, settings);
    const thread = new Thread(name, worker);
    let ready = false;
    const started = new Promise<void>((resolve, reject) => {
      const halt = (error: Error): void => {
        if (thread.#halted !== null) return;
        thread.#halted = error;
        thread.calls.breakOff(error);
        if (!ready) reject(error);
        else if (!thread.#stopping) listener.onHalted(error);
      };
      worker.on('error', (cause) => {
        halt(new ApuraError('internal', `The ${name} thread died: ${String(cause)}`, { cause }));
      });
      worker.on('exit', () => {
        halt(new ApuraError('internal', `The ${name} thread ended unasked.`));
      });
      worker.on('message', (message: ThreadEvent | object) => {
        if (!('event' in message)) return;
        switch (message.event) {
          case 'ready':
            ready = true;
            return resolve();
          case 'halted':
            return halt(reviveError(message.error));
          case 'trouble':
            return listener.onTrouble(reviveError(message.error));
          case 'told':
            return listener.onTold(message.what);
        }
      });
    });
    try {
      await started;
    } catch (error) {
      // A thread left behind would keep the process from ending.
      await worker.terminate();
      throw error;
    }
    return thread;
  }

  /** Why the thread's part is over, or null while it works. */
  get halted(): Error | null {
    return this.#halted;
  }

  /** Lets the thread finish what it does and close its files, then ends it. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#halted === null) await this.calls.call('close', []).catch(() => {});
    await this.#worker.terminate();
  }
}
