/** How soon a poll's report is drawn up from a ledger on Postgres that holds ten million of its votes. */
import { openPostgresCatalogue } from '../src/adapters/postgres/catalogue.ts';
import { openPostgresLedger } from '../src/adapters/postgres/ledger.ts';
import type { OperatorApi } from '../src/edge/cli/operator-api.ts';
import { atMost, count, milliseconds, noted, perSecond, required, seconds } from './figure.ts';
import { LedgerFeeder } from './ledger-feeder.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { startRolesApart } from './roles-apart.ts';
import { openPoll } from './serve-process.ts';
import { highest, median } from './statistics.ts';

const POLL = 'report';
const OPTIONS = ['ana', 'davi', 'marina'];
const DAY_MS = 86_400_000;
const REPORT_MS_MAX = 200;
const REPORTS = 20;
/** A report is kept for a second: behind it the next one is drawn up anew. */
const BETWEEN_MS = 1_100;
const FORMATS = ['application/json', 'text/csv', 'text/html'] as const;

interface Asked {
  readonly ms: number;
  readonly bytes: number;
}

async function ask({ url, token }: OperatorApi, accept: string, votes: number): Promise<Asked> {
  const headers = { accept, authorization: `Bearer ${token}` };
  const startedAt = performance.now();
  const response = await fetch(new URL(`/v1/polls/${POLL}/report`, url), { headers });
  const text = await response.text();
  const ms = performance.now() - startedAt;
  if (response.status !== 200) throw new Error(`The report: ${response.status} ${text}`);
  if (accept === 'application/json') {
    const { total } = JSON.parse(text) as { readonly total: number };
    if (total !== votes) throw new Error(`The report tells of ${total} votes of ${votes}.`);
  }
  return { ms, bytes: text.length };
}

async function run({ folder, quick, say }: PartRun): Promise<PartResult> {
  const votes = quick ? 480_000 : 10_000_000;
  await using apart = await startRolesApart(folder, ['query']);
  const { api, env } = apart;
  await openPoll(api, POLL, OPTIONS);
  await using catalogue = await openPostgresCatalogue({ url: env.APURA_LEDGER ?? '' });
  const [settings] = await catalogue.logs();
  if (settings === undefined) throw new Error('The catalogue knows of no log.');
  const { logId } = settings;
  await using ledger = await openPostgresLedger({ url: env.APURA_LEDGER ?? '', logId });
  say(`filling the ledger with ${count(votes)} votes of a day`);
  const votesPerMs = votes / DAY_MS;
  const begunAt = Date.now() - DAY_MS;
  const feeder = new LedgerFeeder(ledger, { scope: POLL, begunAt, votesPerMs });
  await feeder.start();
  const filledFrom = performance.now();
  await feeder.feed(votes);
  const fillMs = performance.now() - filledFrom;
  say('asking for reports');
  const times = new Map<string, Asked[]>(FORMATS.map((format) => [format, []]));
  for (let at = 0; at < (quick ? 3 : REPORTS); at += 1) {
    for (const format of at === 0 ? FORMATS : FORMATS.slice(0, 1)) {
      await Bun.sleep(BETWEEN_MS);
      times.get(format)?.push(await ask(api, format, feeder.votes));
    }
  }
  const kept = await ask(api, FORMATS[0], feeder.votes);
  const [json = [], csv = [], html = []] = FORMATS.map((format) => times.get(format));
  const of = (asked: readonly Asked[]): number[] => asked.map(({ ms }) => ms);
  return {
    figures: [
      noted(
        'Filling the ledger',
        `${seconds(fillMs / 1_000)}, ${perSecond((votes / fillMs) * 1_000)}`,
      ),
      noted('GET …/report as JSON, drawn up anew, median', milliseconds(median(of(json)))),
      atMost('GET …/report as JSON, highest', highest(of(json)), REPORT_MS_MAX, milliseconds),
      atMost('GET …/report as CSV', highest(of(csv)), REPORT_MS_MAX, milliseconds),
      atMost('GET …/report as a page', highest(of(html)), REPORT_MS_MAX, milliseconds),
      noted('The same again within its second', milliseconds(kept.ms)),
      required('Total of every report = votes', `${count(feeder.votes)} votes`, true),
    ],
    details: { votes: feeder.votes, fillMs, times: Object.fromEntries(times), kept },
  };
}

export const reportPart: Part = {
  name: 'report',
  title: 'The report over ten million votes on Postgres',
  onlyByName: true,
  method:
    'The query role on its own servers. The votes of a whole day, of three options in 12 partitions, are ' +
    'committed to the ledger by steps as its worker does, as rows with their minutes and books. The ' +
    `operator then asks over HTTP, ${BETWEEN_MS} ms apart, since a report is kept for a second.`,
  run,
};
