/** One data folder and the process that serves it at the moment, to be killed and started again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient } from './api-client.ts';
import {
  type CommandEnd,
  type RunningServe,
  runApura,
  type ServeOptions,
  startServe,
} from './serve.ts';

export type InstallationOptions = Omit<ServeOptions, 'dataDir' | 'port'>;

export interface Audit {
  readonly exitCode: number;
  readonly balanced: boolean;
  readonly partitions: readonly PartitionReport[];
  readonly stderr: string;
}

/** What `apura audit --json` says of a partition. */
export interface PartitionReport {
  readonly logId: string;
  readonly partition: number;
  readonly blocks: number;
  readonly books: readonly {
    readonly scope: string;
    readonly logged: number;
    readonly counted: number;
    readonly duplicate: number;
    readonly expired: number;
    readonly late: number;
    readonly voided: number;
  }[];
  readonly differences: readonly {
    readonly store: string;
    readonly partition: number;
    readonly scope: string;
    readonly what: string;
    readonly expected: number;
    readonly found: number;
  }[];
  readonly failure: { readonly code: string; readonly message: string } | null;
}

/** A new folder under the system's own for such things. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'apura-test-'));
}

/** Audits a folder by the command. */
export function auditOf(dataDir: string): Promise<Audit> {
  return auditWith((argv) => runApura([...argv, '--data', dataDir]));
}

/** Audits what `run` runs its command on. */
export async function auditWith(
  run: (argv: readonly string[]) => Promise<CommandEnd>,
): Promise<Audit> {
  const { exitCode, stdout, stderr } = await run(['audit', '--json']);
  const report = stdout === '' ? { balanced: false, partitions: [] } : JSON.parse(stdout);
  return { exitCode, stderr, balanced: report.balanced, partitions: report.partitions };
}

export class Installation implements AsyncDisposable {
  readonly dataDir: string;
  readonly client: ApiClient;
  readonly #options: InstallationOptions;
  #serving: RunningServe;

  private constructor(dataDir: string, options: InstallationOptions, serving: RunningServe) {
    this.dataDir = dataDir;
    this.#options = options;
    this.#serving = serving;
    this.client = new ApiClient(() => this.#serving);
  }

  /** Serves a new folder on a free port. */
  static async start(options: InstallationOptions = {}): Promise<Installation> {
    const dataDir = temporaryFolder();
    try {
      return new Installation(dataDir, options, await startServe({ ...options, dataDir }));
    } catch (error) {
      rmSync(dataDir, { recursive: true, force: true });
      throw error;
    }
  }

  /** The process that serves, or has served last. */
  get serving(): RunningServe {
    return this.#serving;
  }

  get url(): string {
    return this.#serving.url;
  }

  get token(): string {
    return this.#serving.token;
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#serving.kill('SIGKILL');
  }

  /** Starts the program again on the folder and the port, after its process has ended. */
  async restart(options: InstallationOptions = this.#options): Promise<void> {
    const { port } = this.#serving;
    this.#serving = await startServe({ ...options, dataDir: this.dataDir, port });
  }

  /** kill -9, and a new start. */
  async crash(): Promise<void> {
    await this.kill();
    await this.restart();
  }

  audit(): Promise<Audit> {
    return auditOf(this.dataDir);
  }

  /** Ends the process without mercy and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
