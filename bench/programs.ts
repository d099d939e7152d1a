/** The command lines of everything that the bench starts. */
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** One CPU serves and the other one loads. */
export const SERVER_CPU = 0;
export const LOADER_CPU = 1;

/** One of the bench's own processes, by its file. */
export function benchProgram(file: string, ...args: string[]): readonly string[] {
  return [process.execPath, `${ROOT}bench/${file}`, ...args];
}

/** The program as a person starts it. */
export function apura(...args: string[]): readonly string[] {
  return [`${ROOT}bin/apura`, ...args];
}
