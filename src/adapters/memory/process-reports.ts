/** Reports within one process: several handles on one of these stand for several processes. */
import type { ProcessReport, ProcessReports } from '../../ports/process-reports.ts';

type Listener = (report: ProcessReport) => void;

/** The listeners of all handles. */
export class MemoryReportChannel {
  readonly listeners = new Set<{ readonly call: Listener }>();
}

export class MemoryProcessReports implements ProcessReports {
  readonly #channel: MemoryReportChannel;
  readonly #own = new Set<{ readonly call: Listener }>();
  #closed = false;

  constructor(channel: MemoryReportChannel = new MemoryReportChannel()) {
    this.#channel = channel;
  }

  publish(report: ProcessReport): void {
    if (this.#closed) return;
    const told = structuredClone(report);
    for (const { call } of this.#channel.listeners) call(told);
  }

  subscribe(listener: Listener): Disposable {
    const own = { call: listener };
    this.#own.add(own);
    this.#channel.listeners.add(own);
    return { [Symbol.dispose]: () => void this.#channel.listeners.delete(own) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const own of this.#own) this.#channel.listeners.delete(own);
  }
}
