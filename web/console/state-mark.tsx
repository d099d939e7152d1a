/** A poll's state as word, symbol and colour together. */
import { useConsole } from './console-context.ts';
import { Icon, type IconName } from './icon.tsx';
import type { PollState } from './poll.ts';

const ICONS: Readonly<Record<PollState, IconName>> = {
  draft: 'draft',
  scheduled: 'clock',
  open: 'open',
  paused: 'pause',
  closing: 'clock',
  closed: 'close',
  published: 'publish',
  archived: 'archive',
};

export function StateMark({ state }: { readonly state: PollState }) {
  const { m } = useConsole();
  return (
    <span class={`state state-${state}`}>
      <Icon name={ICONS[state]} />
      {m.state[state]}
    </span>
  );
}
