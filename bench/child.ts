/** A process that the bench starts, waits for, looks at and ends: a server, a generator, a worker. */

export interface ChildOptions {
  /** The one CPU to run on; any if absent. */
  readonly cpu?: number;
  readonly env?: Readonly<Record<string, string>>;
}

const STOP_WITHIN_MS = 120_000;
const END_WITHIN_MS = 1_800_000;

/** None of them may outlive the bench, however it ends. */
const running = new Set<Bun.Subprocess>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const child of running) child.kill('SIGKILL');
    process.exit(130);
  });
}

interface Ended {
  readonly exitCode: number;
  readonly output: string;
}

export class Child implements AsyncDisposable {
  readonly #process: Bun.Subprocess<'pipe', 'pipe', 'inherit'>;
  readonly #waiting = new Set<() => void>();
  readonly #read: Promise<void>;
  #output = '';
  #ended = false;

  constructor(command: readonly string[], options: ChildOptions = {}) {
    const { cpu, env } = options;
    const pinned = cpu === undefined ? [] : ['taskset', '-c', String(cpu)];
    this.#process = Bun.spawn([...pinned, ...command], {
      env: { ...process.env, ...env },
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'inherit',
    });
    this.#read = this.#readOutput();
    running.add(this.#process);
    void this.#process.exited.then(() => running.delete(this.#process));
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The CPU time that it took; to be read after its end. */
  get cpuSeconds(): number {
    return Number(this.#process.resourceUsage()?.cpuTime.total ?? 0n) / 1e6;
  }

  /** The first match in what it prints. @throws where it ends without one. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match;
      if (this.#ended) throw new Error(`It ended without ${pattern}: ${this.#output}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Writes a line to its standard input. */
  tell(line: string): void {
    this.#process.stdin.write(`${line}\n`);
    void this.#process.stdin.flush();
  }

  /** Waits for its end and everything that it printed; ends it by force after `withinMs`. */
  async ended(withinMs = END_WITHIN_MS): Promise<Ended> {
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), withinMs);
    const exitCode = await this.#process.exited;
    await this.#read;
    clearTimeout(timer);
    return { exitCode, output: this.#output };
  }

  /** Asks it to end in peace. @throws where it does not end well. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    const { exitCode } = await this.ended(STOP_WITHIN_MS);
    if (exitCode !== 0) throw new Error(`Process ${this.pid} ended with exit code ${exitCode}.`);
  }

  /** Ends it whatever it does: for what a failure has left behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#process.exited;
  }

  async #readOutput(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#process.stdout) {
      this.#output += decoder.decode(chunk, { stream: true });
      this.#wake();
    }
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** Runs a program to its end. @throws with what it printed, unless its exit code is 0. */
export async function runToEnd(
  command: readonly string[],
  options: ChildOptions = {},
): Promise<string> {
  const { exitCode, output } = await new Child(command, options).ended();
  if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}: ${output}`);
  return output;
}
