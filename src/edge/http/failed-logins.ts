/** Slows down whoever guesses operator tokens: few failures a network, in bounded memory. */
import { clientNetwork } from './client-network.ts';

export const FAILURES_MAX = 10;
export const FAILURE_WINDOW_MS = 5 * 60_000;
/** About 1 MB. A guesser with more networks than that pushes out the oldest of its own. */
const NETWORKS_MAX = 10_000;

export interface FailedLogins {
  /** For how many ms this address may not try; 0 where it may. */
  blockedForMs(address: string): number;
  record(address: string): void;
}

interface Window {
  failures: number;
  readonly endsAt: number;
}

/** `monotonic` in ms, as Clock.monotonic. */
export function createFailedLogins(monotonic: () => number): FailedLogins {
  const windows = new Map<string, Window>();

  const current = (network: string): Window | undefined => {
    const window = windows.get(network);
    if (window === undefined || window.endsAt > monotonic()) return window;
    windows.delete(network);
    return undefined;
  };

  return {
    blockedForMs(address) {
      const window = current(clientNetwork(address));
      if (window === undefined || window.failures < FAILURES_MAX) return 0;
      return window.endsAt - monotonic();
    },
    record(address) {
      const network = clientNetwork(address);
      const window = current(network);
      if (window !== undefined) {
        window.failures += 1;
        return;
      }
      if (windows.size >= NETWORKS_MAX) {
        const [oldest] = windows.keys();
        if (oldest !== undefined) windows.delete(oldest);
      }
      windows.set(network, { failures: 1, endsAt: monotonic() + FAILURE_WINDOW_MS });
    },
  };
}
