/** How far a fold of the log has got, on one line of the terminal; nothing where nobody watches. */
import type { CliIo } from './cli-io.ts';

export interface Progress {
  readonly at: (partition: number, offset: number, end: number) => void;
  /** Clears the line. */
  readonly end: () => void;
}

export function createProgress(io: CliIo, what: string): Progress {
  if (!io.isTTY) return { at() {}, end() {} };
  return {
    at(partition, offset, end) {
      const share = end === 0 ? 100 : Math.floor((offset / end) * 100);
      io.stderr(
        `\r\u001b[K${what}: partition ${partition}, block ${offset} of ${end} (${share} %)`,
      );
    },
    end: () => io.stderr('\r\u001b[K'),
  };
}
