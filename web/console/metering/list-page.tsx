/** The page of one kind of entry: its name, the way to a new one, what it is for, and all there are. */
import type { ComponentChildren } from 'preact';
import { Icon } from '../icon.tsx';
import { hrefOf } from '../route.ts';
import { Absent } from './absent.tsx';
import type { EditedKind } from './entries.ts';
import type { Remote } from './use-remote.ts';

interface ListPageProps {
  readonly kind: EditedKind;
  readonly name: string;
  readonly fresh: string;
  readonly hint: string;
  readonly list: Remote<readonly unknown[]>;
  /** Where there are none: what that means. */
  readonly none: string;
  /** The table; shown where there is anything to show. */
  readonly children: ComponentChildren;
  readonly below?: ComponentChildren;
}

export function ListPage(props: ListPageProps) {
  const { kind, name, fresh, hint, list, none, children, below } = props;
  return (
    <>
      <header class="page-head">
        <h1>{name}</h1>
        <a
          class="button primary"
          href={hrefOf({ place: 'metering', at: { page: kind, id: null } })}
        >
          <Icon name="plus" />
          {fresh}
        </a>
      </header>
      <p class="hint page-hint">{hint}</p>
      <section class="panel" aria-label={name}>
        <Listed list={list} none={none}>
          {children}
        </Listed>
      </section>
      {below}
    </>
  );
}

interface ListedProps {
  readonly list: Remote<readonly unknown[]>;
  readonly none: string;
  readonly children: ComponentChildren;
}

/** What was asked for, or why there is nothing to show of it. */
export function Listed({ list, none, children }: ListedProps) {
  if (list.value !== null && list.value.length > 0) return <>{children}</>;
  if (list.value === null || list.failure !== '') return <Absent of={list} />;
  return (
    <p class="none" role="status">
      {none}
    </p>
  );
}
