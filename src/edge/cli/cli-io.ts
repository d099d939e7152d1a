/** What a command may touch of the process it runs in, so that tests can stand in for it. */
export interface CliIo {
  /** Writes to standard output; a promise where the writer should wait for the reader. */
  stdout(text: string): void | Promise<void>;
  /** Writes to standard error. */
  stderr(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a person watches: both standard output and standard error are a terminal. */
  readonly isTTY: boolean;
  /** Width of the terminal in characters; 80 where there is none. */
  readonly columns: number;
  /** Height of the terminal in lines; 24 where absent. */
  readonly rows?: number;
  /** Aborts when the person or the system asks the process to stop. */
  readonly signal?: AbortSignal;
}

/** What a shell sees: 0 done, 1 failed or not balanced, 2 not understood. */
export type ExitCode = 0 | 1 | 2;
