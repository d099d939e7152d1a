/** One picture of the live view as lines of text that fit the terminal. */
import { formatLatency } from '../duration.ts';
import type { ListedPoll } from '../listed-poll.ts';
import { fit, printable, widthOf } from '../text-table.ts';
import { shareBar, sparkline } from './sparkline.ts';
import type { OpsFigures, PollCounts, TopModel } from './top-model.ts';

export interface FrameSettings {
  /** The poll to show; null: the one most worth watching. */
  readonly poll: string | null;
  readonly columns: number;
  readonly rows: number;
  readonly connection: 'live' | 'connecting' | 'lost';
  /** Whether terminal colours may be used. */
  readonly colour: boolean;
}

/** Lines that the options never take, so that the door's figures stay in sight. */
const LINES_ABOVE_OPTIONS = 5;
const LINES_BELOW_OPTIONS = 7;
const OPTION_LINES_MIN = 3;

/** At most `rows` lines of at most `columns` characters. */
export function topFrame(model: TopModel, settings: FrameSettings): readonly string[] {
  const poll = model.watched(settings.poll);
  const counts = (poll && model.counts.get(poll.id)) ?? NO_COUNTS;
  const lines = [
    ...headLines(model, poll, settings),
    ...(poll === null ? noPollLines(settings) : pollLines(model, poll, counts, settings)),
    '',
    ...(model.ops === null ? ['door    no figures yet'] : opsLines(model.ops)),
    ...actLines(model),
  ];
  const { columns, rows } = settings;
  return lines.slice(0, rows).map((line) => colour(fit(line, columns).trimEnd(), settings));
}

const NO_COUNTS: PollCounts = { total: 0, votes: {}, stale: false };

function headLines(model: TopModel, poll: ListedPoll | null, settings: FrameSettings): string[] {
  const { columns, connection } = settings;
  const time = model.serverTime.slice(11, 19);
  const consistency = model.ops?.consistency.state ?? 'unchecked';
  const mark = connection === 'live' ? `● ${consistency}` : `○ ${connection}`;
  const right = `${mark}  ${time === '' ? '' : `${time}Z`}`.trimEnd();
  const name = poll === null ? 'Apura' : `${poll.id} · ${poll.state} · ${printable(poll.title)}`;
  const left = fit(name, Math.max(0, columns - widthOf(right) - 2));
  return [`${left}  ${right}`, ''];
}

function noPollLines({ poll }: FrameSettings): string[] {
  return [poll === null ? 'There are no polls yet.' : `There is no poll ${printable(poll)}.`];
}

function pollLines(
  model: TopModel,
  poll: ListedPoll,
  counts: PollCounts,
  settings: FrameSettings,
): string[] {
  const { columns, rows } = settings;
  const now = model.perSecond(poll.id, 1)[0] ?? 0;
  const peak = model.ops?.door.peakPerSecond;
  const figures = [
    `${group(counts.total)} votes${counts.stale ? ' (catching up)' : ''}`,
    `${group(now)}/s`,
    ...(peak === undefined ? [] : [`peak ${group(peak)}/s`]),
    model.durability,
  ];
  const room = Math.max(OPTION_LINES_MIN, rows - LINES_ABOVE_OPTIONS - LINES_BELOW_OPTIONS);
  return [
    figures.join('   '),
    sparkline(model.perSecond(poll.id, columns), columns),
    '',
    ...optionLines(model, poll, counts, columns, room),
  ];
}

function optionLines(
  model: TopModel,
  poll: ListedPoll,
  counts: PollCounts,
  columns: number,
  room: number,
): string[] {
  const votesOf = (id: string) => counts.votes[id] ?? 0;
  const sorted = [...poll.options].sort((a, b) => votesOf(b.id) - votesOf(a.id));
  const shown = sorted.length > room ? sorted.slice(0, room - 1) : sorted;
  const nameWidth = Math.min(20, Math.max(...shown.map(({ name }) => widthOf(name))));
  const tail = (id: string) => {
    const share = counts.total === 0 ? 0 : votesOf(id) / counts.total;
    const rate = `${group(model.lastSecond(poll.id, id))}/s`;
    const percent = `${(share * 100).toFixed(2)}%`;
    return `${percent.padStart(8)}${group(votesOf(id)).padStart(14)}${rate.padStart(10)}`;
  };
  const lines = shown.map(({ id, name }) => {
    const share = counts.total === 0 ? 0 : votesOf(id) / counts.total;
    const barWidth = Math.max(4, columns - nameWidth - 35);
    return `${fit(printable(name), nameWidth)}  ${shareBar(share, barWidth)}${tail(id)}`;
  });
  const hidden = sorted.length - shown.length;
  return hidden === 0 ? lines : [...lines, `… and ${hidden} more`];
}

function opsLines({ door, lag, consistency, processes }: OpsFigures): string[] {
  const rejected = Object.entries(door.rejected)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${reason} ${group(count)}`);
  const behind = (store: 'tally' | 'ledger') =>
    lag.partitions.reduce((sum, position) => sum + (position.end - position[store]), 0);
  const lagOf = (store: 'tally' | 'ledger', ms: number | null) =>
    `${store} ${latency(ms)}, ${group(behind(store))} blocks behind`;
  return [
    `door    accepted ${group(door.accepted)} of ${group(door.received)}   unknown ` +
      `${group(door.unknown)}   p50 ${latency(door.p50Ms)}   p99 ${latency(door.p99Ms)}`,
    `refused ${rejected.length === 0 ? 'none' : rejected.join(', ')}`,
    `lag     ${lagOf('tally', lag.tallyMs)}   ${lagOf('ledger', lag.ledgerMs)}`,
    ...(consistency.state === 'different'
      ? [`ALARM   the stores differ: ${printable(consistency.detail ?? '')}`]
      : []),
    `process ${processes
      .map(({ name, rssBytes, cpuPercent }) => {
        const megabytes = Math.round(rssBytes / 1_000_000);
        return `${printable(name)} ${group(megabytes)} MB, ${Math.round(cpuPercent)}% CPU`;
      })
      .join('   ')}`,
  ];
}

function actLines({ acts }: TopModel): string[] {
  return acts.slice(0, 2).map(({ at, actor, act, poll }) => {
    const words = [actor, act, poll].map(printable).join(' ');
    return `act     ${at.slice(11, 19)}Z ${words}`;
  });
}

/** Green for what agrees, red for what does not. */
function colour(line: string, settings: FrameSettings): string {
  if (!settings.colour) return line;
  return line
    .replace('● consistent', '\x1b[32m● consistent\x1b[0m')
    .replace('● different', '\x1b[1;31m● different\x1b[0m')
    .replace(/^ALARM/, '\x1b[1;31mALARM\x1b[0m');
}

function latency(ms: number | null): string {
  return ms === null ? '-' : formatLatency(ms);
}

function group(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}
