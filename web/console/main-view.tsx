/** The middle of the console: what the place and the poll's state ask for. */
import { useMemo } from 'preact/hooks';
import { useConsole } from './console-context.ts';
import { EmptyState } from './empty-state.tsx';
import { type LivePoll, serverNow } from './live-state.ts';
import { LiveView } from './live-view.tsx';
import { isEditable, isLive } from './poll-act.ts';
import { type KeptForm, PollEditor } from './poll-editor.tsx';
import { emptyForm, formOf, sampleForm } from './poll-form.ts';
import { hrefOf, type Route } from './route.ts';
import type { Range } from './use-points.ts';

interface MainViewProps {
  readonly route: Route;
  readonly entry: LivePoll | null;
  /** Null until someone chooses. */
  readonly range: Range | null;
  readonly isTable: boolean;
  readonly kept: Map<string, KeptForm>;
  onRange(range: Range): void;
  onTable(isTable: boolean): void;
}

export function MainView(props: MainViewProps) {
  const { route, entry, range, kept } = props;
  const { m, live } = useConsole();
  if (route.place === 'new') {
    return <NewPoll key={String(route.isSample)} isSample={route.isSample} kept={kept} />;
  }
  if (entry === null) {
    if (live.hellos === 0) return <p class="boot">{m.loading}</p>;
    if (route.place === 'home') return <EmptyState />;
    return (
      <section class="empty">
        <h1>{m.pollNotFound}</h1>
        <p>
          <a href={hrefOf({ place: 'home' })}>{m.backToStart}</a>
        </p>
      </section>
    );
  }
  const { poll } = entry;
  if (isEditable(poll.state)) {
    return (
      <PollEditor
        key={poll.id}
        poll={poll}
        initial={formOf(poll)}
        kept={kept}
        place={hrefOf({ place: 'poll', poll: poll.id })}
      />
    );
  }
  return (
    <LiveView
      key={poll.id}
      entry={entry}
      range={range ?? (isLive(poll.state) ? '5m' : 'all')}
      isTable={props.isTable}
      onRange={props.onRange}
      onTable={props.onTable}
    />
  );
}

interface NewPollProps {
  readonly isSample: boolean;
  readonly kept: Map<string, KeptForm>;
}

function NewPoll({ isSample, kept }: NewPollProps) {
  const { m, live } = useConsole();
  const initial = useMemo(
    () =>
      isSample
        ? sampleForm(
            m.sampleTitle,
            [m.sampleName1, m.sampleName2, m.sampleName3],
            serverNow(live, Date.now()),
          )
        : emptyForm(),
    [isSample],
  );
  const place = hrefOf({ place: 'new', isSample });
  return <PollEditor poll={null} initial={initial} kept={kept} place={place} />;
}
