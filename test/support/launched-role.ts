/** One process of a role by its settings alone, for tests of how it starts: right, late, or not at all. */
import { fileURLToPath } from 'node:url';
import type { Role } from '../../src/compose/role-names.ts';
import { waitUntil } from './wait-until.ts';

export interface LaunchedRole extends AsyncDisposable {
  /** What it has printed so far, on both streams. */
  readonly printed: string;
  /** Resolves to the exit code once it is gone. */
  readonly exited: Promise<number>;
  /** Waits until it has printed something that matches. @throws what it printed, where it does not. */
  says(words: RegExp): Promise<RegExpExecArray>;
  /** Waits until it is ready; resolves to its address. */
  ready(): Promise<string>;
}

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** Starts it; ends it without mercy when it is disposed of. */
export function launchRole(role: Role, env: Readonly<Record<string, string>>): LaunchedRole {
  const child = Bun.spawn([process.execPath, MAIN, role], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      APURA_HTTP_PORT: '0',
      APURA_GRPC_PORT: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const read = async (from: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of from) printed += decoder.decode(chunk, { stream: true });
  };
  const allRead = Promise.all([read(child.stdout), read(child.stderr)]);
  const ended = async (): Promise<number> => {
    await allRead;
    return child.exited;
  };
  const says = (words: RegExp): Promise<RegExpExecArray> =>
    waitUntil(`apura ${role} says ${words}`, () => words.exec(printed)).catch((cause) => {
      throw new Error(`apura ${role} said only: ${printed}`, { cause });
    });
  return {
    get printed() {
      return printed;
    },
    exited: ended(),
    says,
    ready: async () => `${(await says(/is ready: (\S+)\n/))[1]}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}
