/** What the processes of a tree hold of memory: shared pages are each one's part, so that the sum is the truth. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessMemory {
  readonly pid: number;
  readonly command: string;
  /** Resident, with what it shares counted whole. */
  readonly rssBytes: number;
  /** Its proportional share (PSS); the resident size where the kernel does not say. */
  readonly shareBytes: number;
}

/** Everything below `root` in the tree of processes, without `root`. Linux only: elsewhere nothing. */
export function memoryBelow(root: number): readonly ProcessMemory[] {
  const parents = new Map<number, number>();
  for (const pid of processIds()) {
    const stat = readOr(`/proc/${pid}/stat`, '');
    // The name before it may hold blanks and parentheses.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (Number.isInteger(parent)) parents.set(pid, parent);
  }
  return [...parents.keys()]
    .filter((pid) => isBelow(pid, root, parents))
    .map((pid) => {
      const rssBytes = kilobytes(readOr(`/proc/${pid}/status`, ''), 'VmRSS') * 1024;
      const share = kilobytes(readOr(`/proc/${pid}/smaps_rollup`, ''), 'Pss') * 1024;
      const command = readOr(`/proc/${pid}/cmdline`, '').replaceAll('\0', ' ').trim();
      return { pid, command, rssBytes, shareBytes: share > 0 ? share : rssBytes };
    });
}

function processIds(): readonly number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function isBelow(pid: number, root: number, parents: ReadonlyMap<number, number>): boolean {
  let at = parents.get(pid);
  while (at !== undefined && at !== root) at = parents.get(at);
  return at === root;
}

function kilobytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
}

/** A process may be gone by the time that it is looked at. */
function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
