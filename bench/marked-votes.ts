/** Votes over HTTP one by one: markers, of which viewers tell when they saw them, and others meanwhile. */
import { readFileSync } from 'node:fs';

/** Where votes go, and for which poll. */
export interface Polling {
  readonly url: string;
  readonly poll: string;
}

export interface SteadyVotes {
  readonly votes: number;
  readonly perSecond: number;
}

const BURST_MS = 10;
const TRY_FOR_MS = 20_000;
const TRY_AGAIN_MS = 50;
/** Markers must not keep step with the feed's ticks: a fifth less to a fifth more, each length as often. */
const gapMs = (marker: number, meanMs: number): number =>
  meanMs * 0.8 + ((marker * 37) % (meanMs * 0.4));

/**
 * Casts one vote, under the same id again and again while the door says that it can not tell or take no
 * votes; resolves to the instant at which it says that it accepted it.
 *
 * @throws where it refuses the vote, or after 20 s.
 */
export async function vote({ url, poll }: Polling, option: string | undefined): Promise<number> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': Bun.randomUUIDv7() };
  const deadline = performance.now() + TRY_FOR_MS;
  for (;;) {
    const address = `${url}/v1/polls/${poll}/votes`;
    const response = await fetch(address, {
      method: 'POST',
      headers,
      body: JSON.stringify({ option }),
    });
    if (response.status === 202) {
      const { acceptedAt } = (await response.json()) as { readonly acceptedAt: string };
      return Date.parse(acceptedAt);
    }
    if (response.status !== 503 || performance.now() > deadline) {
      throw new Error(`A vote was answered with ${response.status}: ${await response.text()}`);
    }
    await Bun.sleep(TRY_AGAIN_MS);
  }
}

/** Votes for these options in turn, so many every 10 ms, until told to stop. */
export async function voteSteadily(
  polling: Polling,
  options: readonly string[],
  votesPerBurst: number,
  signal: AbortSignal,
): Promise<SteadyVotes> {
  const startedAt = performance.now();
  const votes: Promise<unknown>[] = [];
  let failure: unknown = null;
  for (let burst = 0; !signal.aborted && failure === null; burst += 1) {
    for (let n = 0; n < votesPerBurst; n += 1) {
      const cast = vote(polling, options[votes.length % options.length]);
      votes.push(
        cast.catch((error: unknown) => {
          failure ??= error;
        }),
      );
    }
    await Bun.sleep(Math.max(0, startedAt + (burst + 1) * BURST_MS - performance.now()));
  }
  await Promise.all(votes);
  if (failure !== null) throw failure;
  const elapsedMs = performance.now() - startedAt;
  return { votes: votes.length, perSecond: (votes.length / elapsedMs) * 1_000 };
}

/** Casts so many votes for the marker, so far apart on average; resolves to when each was accepted. */
export async function castMarkers(
  polling: Polling,
  marker: string,
  markers: number,
  meanGapMs: number,
): Promise<readonly number[]> {
  const accepted: number[] = [];
  while (accepted.length < markers) {
    accepted.push(await vote(polling, marker));
    await Bun.sleep(gapMs(accepted.length, meanGapMs));
  }
  return accepted;
}

/** From each marker's acceptance to its arrival, ms, of a file of viewers.ts; NaN where it did not come. */
export function latenciesIn(file: string, accepted: readonly number[]): number[] {
  const { buffer, byteOffset, byteLength } = readFileSync(file);
  const arrivals = new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength));
  return Array.from(arrivals, (at, index) => {
    const acceptedAt = accepted[index % accepted.length];
    return acceptedAt === undefined ? Number.NaN : at - acceptedAt;
  });
}
