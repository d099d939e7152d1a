/** The process's log: one JSON line an event, on standard error, never with a secret or an address in it. */
import pino, { type Logger } from 'pino';

export type { Logger };

/** Writes each line before it returns: what was logged last is there after a crash. */
export function createLogger(level: string, name: string): Logger {
  return pino(
    {
      level,
      base: { process: name },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: ['token', 'authorization', 'cookie', '*.token'], censor: '…' },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
