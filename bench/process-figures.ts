/** What the kernel says of a process that is measured: memory, and CPU time by thread. */
import { readdirSync, readFileSync } from 'node:fs';

/** The kernel's unit of CPU time, the same on every Linux that people run. */
const TICKS_PER_SECOND = 100;
const KIB = 1024;

function statusBytes(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status);
  if (match === null) throw new Error(`The kernel tells no ${field} of process ${pid}.`);
  return Number(match[1]) * KIB;
}

export function rssBytes(pid: number): number {
  return statusBytes(pid, 'VmRSS');
}

/** The most that it has had since it started. */
export function peakRssBytes(pid: number): number {
  return statusBytes(pid, 'VmHWM');
}

function cpuSecondsOf(statFile: string): number {
  // The name in the second field may hold spaces: count from behind it.
  const fields = readFileSync(statFile, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export function cpuSeconds(pid: number): number {
  return cpuSecondsOf(`/proc/${pid}/stat`);
}

/** The workers of `apura serve`, in the order in which it starts them. */
const SERVE_WORKERS = ['query', 'log', 'tally', 'ledger'];

export type ThreadSeconds = Readonly<Record<string, number>>;

/** CPU seconds of the threads of an `apura serve`, those of its runtime summed up as `runtime`. */
export function serveThreadSeconds(pid: number): ThreadSeconds {
  const seconds: Record<string, number> = { main: 0, runtime: 0 };
  const tasks = readdirSync(`/proc/${pid}/task`).map(Number);
  let workers = 0;
  for (const task of tasks.sort((a, b) => a - b)) {
    const folder = `/proc/${pid}/task/${task}`;
    const isWorker = readFileSync(`${folder}/comm`, 'utf8').trim() === 'Worker';
    let name = task === pid ? 'main' : 'runtime';
    if (isWorker) {
      name = SERVE_WORKERS[workers] ?? 'runtime';
      workers += 1;
    }
    seconds[name] = (seconds[name] ?? 0) + cpuSecondsOf(`${folder}/stat`);
  }
  return seconds;
}

/** The difference of two readings, by thread. */
export function threadSecondsSince(before: ThreadSeconds, after: ThreadSeconds): ThreadSeconds {
  return Object.fromEntries(
    Object.entries(after).map(([name, seconds]) => [name, seconds - (before[name] ?? 0)]),
  );
}

/** CPU time a vote: unlike a rate, it hardly changes with what else the machine does. */
export function threadWords(used: ThreadSeconds, votes: number): string {
  const words = Object.entries(used).map(
    ([name, seconds]) => `${name} ${((seconds / votes) * 1e6).toFixed(1)}`,
  );
  return `${words.join(', ')} µs`;
}
