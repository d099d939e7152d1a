/** What every thread of `serve` begins with: its settings, its answers to calls, its way to say it failed. */
import { parentPort, workerData } from 'node:worker_threads';
import { answerCalls, type CallPort, passError } from '../runtime/remote-calls.ts';

/** What a thread tells its parent without being asked. */
export type ThreadEvent =
  | { readonly event: 'ready' }
  | { readonly event: 'trouble'; readonly error: ReturnType<typeof passError> }
  | { readonly event: 'halted'; readonly error: ReturnType<typeof passError> }
  | { readonly event: 'told'; readonly what: unknown };

export interface ThreadStart {
  /** Methods that the parent may call. */
  readonly methods: object;
  /** Work that goes on until the thread ends; its failure halts the thread's part. */
  readonly work?: Promise<void>;
}

function parent(): CallPort {
  const port = parentPort;
  if (port === null) throw new Error('This file is the entry of a thread.');
  return {
    postMessage: (message, transfer) => port.postMessage(message, transfer ?? []),
    on: (event, listener) => port.on(event, listener),
  };
}

/** Tells the parent something of the thread's own. */
export function tell(what: unknown): void {
  parent().postMessage({ event: 'told', what } satisfies ThreadEvent);
}

export function tellTrouble(error: unknown): void {
  parent().postMessage({ event: 'trouble', error: passError(error) } satisfies ThreadEvent);
}

/** Runs a thread's start with its settings. Call it once, at the end of the entry file. */
export async function runThread<Settings>(
  start: (settings: Settings) => Promise<ThreadStart>,
): Promise<void> {
  const port = parent();
  try {
    const { methods, work } = await start(workerData as Settings);
    answerCalls(port, methods);
    port.postMessage({ event: 'ready' } satisfies ThreadEvent);
    await work;
  } catch (error) {
    port.postMessage({ event: 'halted', error: passError(error) } satisfies ThreadEvent);
  }
}
