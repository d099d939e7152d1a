/** The options of a poll with their counts, shares and where the last minute pulls them. */
import { useState } from 'preact/hooks';
import { liveEnd } from './chart-series.ts';
import { useConsole } from './console-context.ts';
import { Icon } from './icon.tsx';
import type { LivePoll } from './live-state.ts';
import { optionLook } from './palette.ts';
import { Photo } from './photo.tsx';
import { isLive } from './poll-act.ts';
import { type Standing, standingsOf } from './standing.ts';
import { Swatch } from './swatch.tsx';

/** Up to as many rows as these the ballot's order is calmer than rows that change places. */
const BALLOT_ORDER_MAX = 6;

/** A pull smaller than this, as a share, is noise. */
const PULL_MIN = 0.002;

export function OptionsTable({ entry }: { readonly entry: LivePoll }) {
  const { m, f, live } = useConsole();
  const [sort, setSort] = useState<'ballot' | 'votes' | null>(null);
  const isBallot =
    sort === null ? entry.poll.options.length <= BALLOT_ORDER_MAX : sort === 'ballot';
  const ranked = standingsOf(entry, liveEnd(entry.seconds, live.serverKnownUntil));
  const rows = isBallot ? [...ranked].sort((a, b) => a.position - b.position) : ranked;
  const hasTrend = isLive(entry.poll.state);
  const widest = ranked[0]?.share ?? 0;

  return (
    <section class="panel options" aria-label={m.optionsTable}>
      <header class="panel-head">
        <h2>{m.optionsTable}</h2>
        <p class="gap">{gapText(ranked, m, f)}</p>
        <span class="tools">
          <label class="inline">
            <span class="sr-only">{m.sortLabel}</span>
            <select
              value={isBallot ? 'ballot' : 'votes'}
              onChange={(event) =>
                setSort(event.currentTarget.value === 'ballot' ? 'ballot' : 'votes')
              }
            >
              <option value="ballot">{m.sortBallot}</option>
              <option value="votes">{m.sortVotes}</option>
            </select>
          </label>
        </span>
      </header>
      <table class="standings">
        <thead>
          <tr>
            <th scope="col" class="num narrow">
              <span class="sr-only">{m.place}</span>
            </th>
            <th scope="col">{m.option}</th>
            <th scope="col" class="num">
              {m.votes}
            </th>
            <th scope="col" class="num share-head">
              {m.share}
            </th>
            {hasTrend && (
              <>
                <th scope="col" class="num wide-only">
                  {m.lastMinute}
                </th>
                <th scope="col" class="num trend-head" title={m.trendHint}>
                  {m.trend}
                </th>
              </>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.option.id} row={row} hasTrend={hasTrend} widest={widest} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface RowProps {
  readonly row: Standing;
  readonly hasTrend: boolean;
  /** The greatest share: its bar fills the cell. */
  readonly widest: number;
}

function Row({ row, hasTrend, widest }: RowProps) {
  const { m, f, theme } = useConsole();
  const look = optionLook(row.position, theme);
  const { pull } = row;
  const direction = pull === null || Math.abs(pull) < PULL_MIN ? 'flat' : pull > 0 ? 'up' : 'down';
  return (
    <tr>
      <td class="num narrow place">{row.votes === 0 ? '' : m.placeOf(f.integer(row.place))}</td>
      <th scope="row">
        <span class="option-name">
          <Photo option={row.option} size={36} />
          <Swatch look={look} theme={theme} />
          <span class="name">{row.option.name}</span>
        </span>
      </th>
      <td class="num strong">{f.integer(row.votes)}</td>
      <td class="num share-cell">
        <span class="share-value">{row.share === null ? '–' : f.share(row.share)}</span>
        <svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
          <rect class="bar-track" width="100" height="4" />
          <rect
            width={widest > 0 ? ((row.share ?? 0) / widest) * 100 : 0}
            height="4"
            fill={look.color}
          />
        </svg>
      </td>
      {hasTrend && (
        <>
          <td class="num wide-only">{f.integer(row.lastMinute)}</td>
          <td class={`num trend trend-${direction}`}>
            {pull === null ? (
              '–'
            ) : (
              <>
                <Icon name={direction} />
                <span class="sr-only">
                  {{ up: m.trendUp, down: m.trendDown, flat: m.trendFlat }[direction]}{' '}
                </span>
                {f.points(pull)} <span class="unit">{m.pointsUnit}</span>
              </>
            )}
          </td>
        </>
      )}
    </tr>
  );
}

function gapText(
  ranked: readonly Standing[],
  m: ReturnType<typeof useConsole>['m'],
  f: ReturnType<typeof useConsole>['f'],
): string {
  const [first, second] = ranked;
  if (first?.share == null || second?.share == null) return m.noVotesYet;
  if (first.votes === second.votes) return m.tie;
  const points = f.points(first.share - second.share).replace(/^\+/, '');
  return m.gap(f.integer(first.votes - second.votes), points);
}
