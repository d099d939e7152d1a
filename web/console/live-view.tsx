/** A poll that takes, or has taken, votes: curves, options, and what stands behind the numbers. */
import { useEffect } from 'preact/hooks';
import { useConsole } from './console-context.ts';
import { CurvesSection } from './curves.tsx';
import { LagPanel } from './lag-panel.tsx';
import type { LivePoll } from './live-state.ts';
import { OptionsTable } from './options-table.tsx';
import { Rejections } from './rejections.tsx';
import type { Range } from './use-points.ts';

interface LiveViewProps {
  readonly entry: LivePoll;
  readonly range: Range;
  readonly isTable: boolean;
  onRange(range: Range): void;
  onTable(isTable: boolean): void;
}

export function LiveView(props: LiveViewProps) {
  const { entry } = props;
  const { api, dispatch } = useConsole();
  useEffect(() => {
    void api.acts(entry.poll.id).then((outcome) => {
      if (outcome.ok) dispatch({ type: 'acts', acts: outcome.value });
    });
    if (entry.total !== null) return;
    void api.results(entry.poll.id).then((outcome) => {
      if (outcome.ok) dispatch({ type: 'results', results: outcome.value });
    });
  }, [entry.poll.id]);

  return (
    <div class="live-view">
      <h1>{entry.poll.title}</h1>
      <CurvesSection {...props} />
      <OptionsTable entry={entry} />
      <div class="under">
        <Rejections />
        <LagPanel />
      </div>
    </div>
  );
}
