/** The overview, asked once a second while the page is in sight, and what it was before. */
import { useEffect, useState } from 'preact/hooks';
import { useConsole } from '../console-context.ts';
import type { Problem } from '../sender.ts';
import type { Overview } from './metering.ts';
import { rateNow, type Sample, sampleOf, withSample } from './pulse-rate.ts';

const PERIOD_MS = 1_000;
const RATE_SECONDS = 5;

export interface OverviewState {
  /** Null before the first answer. */
  readonly overview: Overview | null;
  readonly samples: readonly Sample[];
  /** Over the last seconds; null while it is unknown. */
  readonly rate: number | null;
  readonly peak: number;
  /** When the last answer came, ms since the Unix epoch; null before the first. */
  readonly heardAt: number | null;
  /** Of the last request; null where it went well. */
  readonly problem: Problem | null;
}

const NOTHING: OverviewState = {
  overview: null,
  samples: [],
  rate: null,
  peak: 0,
  heardAt: null,
  problem: null,
};

export function useOverview(): OverviewState {
  const { api, explain } = useConsole();
  const [state, setState] = useState(NOTHING);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let isCurrent = true;
    const ask = async () => {
      if (!document.hidden) {
        const outcome = await api.metering.overview();
        if (!isCurrent) return;
        if (outcome.ok) setState((before) => heard(before, outcome.value, Date.now()));
        else {
          if (outcome.problem.status === 401) explain(outcome.problem);
          setState((before) => ({ ...before, problem: outcome.problem }));
        }
      }
      timer = setTimeout(() => void ask(), PERIOD_MS);
    };
    void ask();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, []);
  return state;
}

function heard(before: OverviewState, overview: Overview, at: number): OverviewState {
  const samples = withSample(before.samples, sampleOf(overview, at));
  const rate = rateNow(samples, RATE_SECONDS);
  const peak = Math.max(before.peak, rate ?? 0);
  return { overview, samples, rate, peak, heardAt: at, problem: null };
}
