/** Votes from wrk, as fast as the answers come: a closed loop of so many connections. */
import { randomBytes } from 'node:crypto';
import { Child } from './child.ts';
import { cpuSeconds } from './process-figures.ts';
import { ROOT } from './programs.ts';

export interface VoteLoad {
  readonly url: string;
  readonly serverPid: number;
  readonly connections: number;
  readonly seconds: number;
  /** The CPU of wrk; any if absent. */
  readonly cpu?: number;
}

export interface VoteLoadResult {
  /** Answers that came: each of them 202. */
  readonly answered: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** CPU time of wrk as percent of one core: near 100 it, and not the server, is what is measured. */
  readonly loaderPercent: number;
  /** CPU time of the server a vote, µs. */
  readonly serverMicros: number;
}

/** What vote.lua prints. */
interface WrkSummary {
  readonly requests: number;
  readonly durationUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  readonly failed: number;
  readonly refused: number;
}

/** The poll that the program makes for a demonstration. */
const POLL = 'demo';
const OPTIONS = ['ana', 'davi', 'marina'];

/** @throws where a connection failed or an answer was none of 2xx or 3xx. */
export async function loadVotes(load: VoteLoad): Promise<VoteLoadResult> {
  const { url, serverPid, connections, seconds, cpu } = load;
  const run = randomBytes(5).toString('hex').slice(0, 9);
  const serverBefore = cpuSeconds(serverPid);
  await using wrk = new Child(
    [
      ...['wrk', '-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '10s'],
      ...['-s', `${ROOT}bench/vote.lua`, url, '--', run, POLL, ...OPTIONS],
    ],
    cpu === undefined ? {} : { cpu },
  );
  const { output } = await wrk.ended();
  const [, line = ''] = /^bench (.*)$/m.exec(output) ?? [];
  const told = JSON.parse(line) as WrkSummary;
  const { requests, durationUs, p50Us, p99Us, maxUs, failed, refused } = told;
  if (requests === 0 || failed > 0 || refused > 0) {
    throw new Error(`Not every vote was answered with 202: ${line}`);
  }
  const serverUsed = cpuSeconds(serverPid) - serverBefore;
  return {
    answered: requests,
    perSecond: (requests / durationUs) * 1e6,
    p50Ms: p50Us / 1_000,
    p99Ms: p99Us / 1_000,
    maxMs: maxUs / 1_000,
    loaderPercent: Math.round((wrk.cpuSeconds / seconds) * 100),
    serverMicros: (serverUsed / requests) * 1e6,
  };
}
