/**
 * The drill of an installation with its roles apart: votes at a steady rate, with retries, while one part
 * after the other is killed, stalled, emptied, added and removed. At the end every id is held against the
 * ledger, the counts against the votes, and the stores against the log.
 */
import type { InstallationApart } from './installation-apart.ts';
import { StubbornVoters } from './stubborn-voters.ts';
import { waitUntil } from './wait-until.ts';

/** A fault, and whatever shows that the installation has got over it. */
export interface Fault {
  readonly name: string;
  strike(drill: RunningDrill): Promise<void>;
}

/** What a fault has to do with. */
export interface RunningDrill {
  readonly apart: InstallationApart;
  /** Waits until more votes are acknowledged. */
  votesGoOn(): Promise<void>;
  /** Waits until a store has counted every vote that is acknowledged by now. */
  hasCounted(store: 'tally' | 'ledger'): Promise<void>;
}

export interface DrillOptions {
  readonly poll: string;
  readonly ratePerSecond: number;
  /** One after the other. */
  readonly faults: readonly Fault[];
  /** Tells the votes of one run from another's: 32 random bits. */
  readonly tag: number;
  /** Told after each fault. */
  readonly onFault?: (name: string, tookMs: number) => void;
}

/** What a drill without a finding came to. */
export interface DrillReport {
  readonly faults: number;
  readonly sent: number;
  readonly acknowledged: number;
  /** Requests beyond the first of a vote. */
  readonly retries: number;
  /** Votes that were sent again seconds after they were acknowledged. */
  readonly repeated: number;
  /** Votes with a try of unknown outcome, every one of which was acknowledged by a later try. */
  readonly unknown: number;
  /** Tries that the log holds beside the one that counts. */
  readonly duplicates: number;
  readonly counted: number;
  /** From the last acknowledgement until sync had found all consistent and drained, ms. */
  readonly consistentMs: number;
  readonly tookMs: number;
}

const OPTIONS = ['a', 'b'];
/** So many acknowledged votes are no leftovers of what was under way. */
const VOTES_AFTER_FAULT = 300;
const CONSISTENT_MS_MAX = 180_000;
const FINDINGS_SHOWN = 10;
const NEVER_SAID = ['stores differ', 'the tally was repaired', 'a partition has halted'];

/** Runs one drill in a new poll. @throws at the first finding, with what every process said last. */
export async function drillApart(
  apart: InstallationApart,
  options: DrillOptions,
): Promise<DrillReport> {
  try {
    return await drill(apart, options);
  } catch (error) {
    throw new Error(`The drill has failed: ${error}\n${apart.logs}`, { cause: error });
  }
}

async function drill(apart: InstallationApart, options: DrillOptions): Promise<DrillReport> {
  const startedAt = performance.now();
  const { client } = apart;
  const { poll, ratePerSecond, tag } = options;
  await client.openPoll(poll);
  await apart.takesVotes(poll);
  await using voters = new StubbornVoters({
    doors: apart.ingestUrls,
    poll,
    options: OPTIONS,
    ratePerSecond,
    tag,
  });
  const running: RunningDrill = {
    apart,
    votesGoOn: () => voters.acknowledges(VOTES_AFTER_FAULT),
    async hasCounted(store) {
      const goal = voters.acknowledged;
      await waitUntil(`the ${store} has counted ${goal} votes`, async () => {
        return (await countedBy(apart, store, poll)) >= goal;
      });
    },
  };
  await running.votesGoOn();
  for (const { name, strike } of options.faults) {
    const struckAt = performance.now();
    try {
      await strike(running);
      await running.votesGoOn();
      // A partition that stands may be seen by nobody until the next fault but one.
      const [said] = neverToBeSaid(apart);
      if (said !== undefined) throw new Error(said);
    } catch (error) {
      throw new Error(`${name}: ${error}`, { cause: error });
    }
    options.onFault?.(name, Math.round(performance.now() - struckAt));
  }
  await voters.settle();
  const consistentMs = await untilConsistent(apart);

  const findings = voters.differences(await client.exportOf(poll, 'votes'));
  const counts = await client.countsAtRest(poll);
  if (!Bun.deepEquals(counts.votes, voters.votes)) {
    findings.push(`counted ${JSON.stringify(counts.votes)}, not ${JSON.stringify(voters.votes)}`);
  }
  if (voters.resolved !== voters.unknown) {
    findings.push(`${voters.unknown - voters.resolved} votes are unknown for good`);
  }
  findings.push(...neverToBeSaid(apart));
  const audit = await apart.audit();
  if (audit.exitCode !== 0 || !audit.balanced) {
    findings.push(`the audit found: ${audit.stderr}${JSON.stringify(audit.partitions)}`);
  }
  if (findings.length > 0) {
    throw new Error(`${findings.length}: ${findings.slice(0, FINDINGS_SHOWN).join('; ')}`);
  }
  const books = audit.partitions
    .flatMap((partition) => partition.books)
    .filter(({ scope }) => scope === poll);
  return {
    faults: options.faults.length,
    sent: voters.sent,
    acknowledged: voters.acknowledged,
    retries: voters.tries - voters.sent,
    repeated: voters.repeated,
    unknown: voters.unknown,
    duplicates: books.reduce((sum, { duplicate }) => sum + duplicate, 0),
    counted: books.reduce((sum, { counted }) => sum + counted, 0),
    consistentMs,
    tookMs: Math.round(performance.now() - startedAt),
  };
}

/** What no process may ever say. Sync mends a tally that counts wrong: here it must never have had to. */
function neverToBeSaid(apart: InstallationApart): readonly string[] {
  return apart.processes.flatMap(({ name, log }) =>
    log
      .split('\n')
      .filter((line) => NEVER_SAID.some((words) => line.includes(words)))
      .map((line) => `${name} said ${line}`),
  );
}

/** Every account was compared after the last vote, and all stand at the log's end; how long that took, ms. */
async function untilConsistent(apart: InstallationApart): Promise<number> {
  const since = performance.now();
  const now = Date.now();
  let said: unknown;
  await waitUntil(
    'all is consistent',
    async () => {
      const { json } = await apart.client.mustBe(200, '/v1/consistency');
      said = json;
      const isNew = typeof json.checkedAt === 'string' && Date.parse(json.checkedAt) > now;
      return isNew && json.state === 'consistent' && json.drained === true;
    },
    CONSISTENT_MS_MAX,
  ).catch((error: unknown) => {
    throw new Error(`${error}: ${JSON.stringify(said)}`);
  });
  return Math.round(performance.now() - since);
}

async function countedBy(
  { client }: InstallationApart,
  store: 'tally' | 'ledger',
  poll: string,
): Promise<number> {
  if (store === 'tally') {
    const { total, stale } = await client.counts(poll);
    // Stale ones are what was counted before a tally that was lost.
    return stale ? 0 : total;
  }
  const { json } = await client.mustBe(200, `/v1/polls/${poll}/results/hourly`);
  const hours = json.hours as readonly { readonly total: number }[];
  return hours.reduce((sum, { total }) => sum + total, 0);
}
