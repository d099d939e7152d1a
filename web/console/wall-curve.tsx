/** Votes per second over the last five minutes as one silhouette: the pulse of the night. */
import type { LivePoll } from './live-state.ts';

const SECONDS = 300;
const HEIGHT = 100;

interface WallCurveProps {
  readonly entry: LivePoll;
  /** Epoch ms. */
  readonly until: number;
}

export function WallCurve({ entry, until }: WallCurveProps) {
  const { from, votes } = entry.seconds;
  const lines = [...votes.values()];
  const totals = Array.from({ length: SECONDS }, (_, i) => {
    const at = (until - (SECONDS - i) * 1000 - from) / 1000;
    return lines.reduce((sum, line) => sum + (line[at] ?? 0), 0);
  });
  const most = Math.max(1, ...totals);
  const points = totals.map((total, i) => `${i},${HEIGHT - (total / most) * HEIGHT}`);
  return (
    <svg
      class="wall-curve"
      viewBox={`0 0 ${SECONDS - 1} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <polygon points={`0,${HEIGHT} ${points.join(' ')} ${SECONDS - 1},${HEIGHT}`} />
    </svg>
  );
}
