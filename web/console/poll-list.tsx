/** All polls by state, with their live totals. */
import { useConsole } from './console-context.ts';
import { Icon } from './icon.tsx';
import { type LivePoll, serverNow } from './live-state.ts';
import { isEditable } from './poll-act.ts';
import { pollClock } from './poll-clock.ts';
import { sectionsOf } from './poll-list-order.ts';
import { hrefOf } from './route.ts';
import { SectionLinks } from './sections.tsx';
import { useNow } from './use-now.ts';

interface PollListProps {
  readonly selected: string | null;
  /** On a narrow screen the list is a drawer. */
  readonly isOpen: boolean;
  onChoose(): void;
}

export function PollList({ selected, isOpen, onChoose }: PollListProps) {
  const { m, live } = useConsole();
  const sections = sectionsOf(live.polls.values());
  return (
    <nav id="poll-list" class={`list${isOpen ? ' is-open' : ''}`} aria-label={m.polls}>
      <p class="places places-drawer">
        <SectionLinks isMetering={false} />
      </p>
      <a class="button new" href={hrefOf({ place: 'new', isSample: false })} onClick={onChoose}>
        <Icon name="plus" />
        {m.newPoll}
      </a>
      {sections.map(({ group, polls }) => {
        const items = (
          <ul>
            {polls.map((entry) => (
              <Item
                key={entry.poll.id}
                entry={entry}
                isSelected={entry.poll.id === selected}
                onChoose={onChoose}
              />
            ))}
          </ul>
        );
        return group === 'archived' ? (
          <details key={group}>
            <summary>
              {m.group[group]} <span class="count">{polls.length}</span>
            </summary>
            {items}
          </details>
        ) : (
          <div key={group}>
            <h2>
              {m.group[group]} <span class="count">{polls.length}</span>
            </h2>
            {items}
          </div>
        );
      })}
    </nav>
  );
}

interface ItemProps {
  readonly entry: LivePoll;
  readonly isSelected: boolean;
  onChoose(): void;
}

function Item({ entry, isSelected, onChoose }: ItemProps) {
  const { m, f, live } = useConsole();
  const now = useNow(1000);
  const { poll, total } = entry;
  const clock = pollClock(poll, serverNow(live, now));
  return (
    <li>
      <a
        href={hrefOf({ place: 'poll', poll: poll.id })}
        {...(isSelected ? { 'aria-current': 'page' as const } : {})}
        onClick={onChoose}
      >
        <span class="item-title">{poll.title}</span>
        <span class="item-facts">
          <span class={`dot dot-${poll.state}`} />
          {m.state[poll.state]}
          {clock.kind === 'closes' && <span class="num">{f.countdown(clock.leftMs)}</span>}
          {clock.kind === 'opens' && <span class="num">{f.moment(clock.at, poll.timeZone)}</span>}
        </span>
        {total !== null && !isEditable(poll.state) && (
          <span class="item-total">
            {f.integer(total)} <span class="unit">{m.votes.toLowerCase()}</span>
          </span>
        )}
      </a>
    </li>
  );
}
