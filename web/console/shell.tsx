/** The console of a signed-in operator: the frame around the poll, its acts, and the shortcuts. */
import { type Dispatch, useEffect, useRef, useState } from 'preact/hooks';
import { ActDialog } from './act-dialog.tsx';
import { ActLog } from './act-log.tsx';
import { ActsPanel } from './acts-panel.tsx';
import type { ApiClient } from './api-client.ts';
import { Banners } from './connection-banner.tsx';
import { ConsoleContext, textOf } from './console-context.ts';
import { ExportsPanel } from './exports-panel.tsx';
import type { Formats } from './format.ts';
import { LiveSettings } from './live-settings.tsx';
import type { LiveEvent, LivePoll, LiveState } from './live-state.ts';
import { MainView } from './main-view.tsx';
import type { Lang } from './messages.ts';
import type { Messages } from './messages-pt-br.ts';
import { MeteringFrame } from './metering/metering-frame.tsx';
import type { Theme } from './palette.ts';
import { isEditable, type PollAct } from './poll-act.ts';
import type { KeptForm } from './poll-editor.tsx';
import { PollList } from './poll-list.tsx';
import { firstPoll, sectionsOf } from './poll-list-order.ts';
import { hrefOf, parseRoute, type Route } from './route.ts';
import type { Problem } from './sender.ts';
import type { Command } from './shortcut.ts';
import { ShortcutsDialog } from './shortcuts-dialog.tsx';
import { StatusStrip } from './status-strip.tsx';
import { TopBar } from './top-bar.tsx';
import { useLive } from './use-live.ts';
import type { Range } from './use-points.ts';
import { useSetting } from './use-setting.ts';
import { useShortcuts } from './use-shortcuts.ts';
import { useTitle } from './use-title.ts';
import { Wall } from './wall.tsx';

interface ShellProps {
  readonly m: Messages;
  readonly f: Formats;
  readonly lang: Lang;
  readonly theme: Theme;
  readonly live: LiveState;
  readonly api: ApiClient;
  readonly dispatch: Dispatch<LiveEvent>;
  onTheme(): void;
  onLang(lang: Lang): void;
  onLeave(): void;
}

const isSwitch = (value: string): value is 'on' | 'off' => value === 'on' || value === 'off';

/** A toast is read in less, and covers nothing for longer. */
const TOAST_MS = 5_000;

export function Shell(props: ShellProps) {
  const { m, f, lang, theme, live, api, dispatch, onTheme, onLeave } = props;
  const [route, setRoute] = useState<Route>(() => parseRoute(location.hash));
  const [asked, setAsked] = useState<{ readonly poll: string; readonly act: PollAct } | null>(null);
  const [toast, setToast] = useState('');
  const [isListOpen, setIsListOpen] = useState(false);
  const [isHelpOpen, setIsHelpOpen] = useState(false);
  const [shortcuts, setShortcuts] = useSetting('shortcuts', 'on', isSwitch);
  const [range, setRange] = useState<Range | null>(null);
  const [isTable, setIsTable] = useState(false);
  const kept = useRef(new Map<string, KeptForm>());
  const retryNow = useLive(true, api, dispatch, onLeave);

  useEffect(() => {
    const follow = () => setRoute(parseRoute(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  useEffect(() => {
    if (toast === '') return;
    const timer = setTimeout(() => setToast(''), TOAST_MS);
    return () => clearTimeout(timer);
  }, [toast]);

  const entry = entryOf(route, live);
  const timeZone = entry?.poll.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  useTitle(entry, live, m, f);
  const go = (to: Route) => {
    location.hash = hrefOf(to);
  };
  const signOut = async () => {
    await api.signOut();
    onLeave();
  };
  const explain = (problem: Problem) => {
    if (problem.status === 401) onLeave();
    const known = textOf(m.problem, problem.code);
    return known ?? `${problem.detail} (${m.problemCode(problem.code)})`;
  };

  const commands: Readonly<Record<Command, () => void>> = {
    help: () => setIsHelpOpen(true),
    'new-poll': () => go({ place: 'new', isSample: false }),
    'next-poll': () => step(1),
    'previous-poll': () => step(-1),
    'range-5m': () => setRange('5m'),
    'range-1h': () => setRange('1h'),
    'range-all': () => setRange('all'),
    metering: () =>
      go(
        route.place === 'metering'
          ? { place: 'home' }
          : { place: 'metering', at: { page: 'overview' } },
      ),
    tables: () => setIsTable(!isTable),
    wall: () => {
      if (entry !== null) go({ place: 'wall', poll: entry.poll.id });
    },
    'pause-or-resume': () => {
      const state = entry?.poll.state;
      if (entry === null || (state !== 'open' && state !== 'paused')) return;
      setAsked({ poll: entry.poll.id, act: state === 'open' ? 'pause' : 'resume' });
    },
    theme: onTheme,
  };
  const step = (by: 1 | -1) => {
    const order = sectionsOf(live.polls.values()).flatMap((section) => section.polls);
    const at = order.findIndex((other) => other.poll.id === entry?.poll.id);
    const next = order[at + by];
    if (next !== undefined) go({ place: 'poll', poll: next.poll.id });
  };
  useShortcuts(shortcuts === 'on' && asked === null && !isHelpOpen, commands);

  const askedEntry = asked === null ? undefined : live.polls.get(asked.poll);
  const shared = {
    m,
    f,
    lang,
    theme,
    live,
    api,
    dispatch,
    go,
    announce: setToast,
    ask: (poll: string, act: PollAct) => setAsked({ poll, act }),
    explain,
    retryNow,
  };

  return (
    <ConsoleContext.Provider value={shared}>
      {route.place === 'wall' && entry !== null ? (
        <Wall entry={entry} onExit={() => go({ place: 'poll', poll: entry.poll.id })} />
      ) : (
        <div class="shell">
          <button type="button" class="skip" onClick={focusContent}>
            {m.skip}
          </button>
          <TopBar
            isListOpen={isListOpen}
            isMetering={route.place === 'metering'}
            wallHref={entry === null ? null : hrefOf({ place: 'wall', poll: entry.poll.id })}
            timeZone={timeZone}
            onList={() => setIsListOpen(!isListOpen)}
            onTheme={onTheme}
            onLang={props.onLang}
            onHelp={() => setIsHelpOpen(true)}
            onSignOut={() => void signOut()}
          />
          <Banners />
          {route.place === 'metering' ? (
            <MeteringFrame
              at={route.at}
              isListOpen={isListOpen}
              onChoose={() => setIsListOpen(false)}
            />
          ) : (
            <>
              <StatusStrip entry={entry} timeZone={timeZone} />
              <div class="frame">
                <PollList
                  selected={entry?.poll.id ?? null}
                  isOpen={isListOpen}
                  onChoose={() => setIsListOpen(false)}
                />
                {entry !== null && (
                  <div class="side side-acts">
                    <ActsPanel entry={entry} />
                  </div>
                )}
                <main id="content" tabIndex={-1}>
                  <MainView
                    route={route}
                    entry={entry}
                    range={range}
                    isTable={isTable}
                    kept={kept.current}
                    onRange={setRange}
                    onTable={setIsTable}
                  />
                </main>
                {entry !== null && (
                  <div class="side side-more">
                    {!isEditable(entry.poll.state) && <LiveSettings entry={entry} />}
                    <ActLog entry={entry} />
                    <ExportsPanel poll={entry.poll} />
                  </div>
                )}
              </div>
            </>
          )}
        </div>
      )}
      <p class={`toast${toast === '' ? '' : ' is-shown'}`} role="status">
        {toast}
      </p>
      {asked !== null && askedEntry !== undefined && (
        <ActDialog entry={askedEntry} act={asked.act} onDone={() => setAsked(null)} />
      )}
      {isHelpOpen && (
        <ShortcutsDialog
          isOn={shortcuts === 'on'}
          onSwitch={(isOn) => setShortcuts(isOn ? 'on' : 'off')}
          onClose={() => setIsHelpOpen(false)}
        />
      )}
    </ConsoleContext.Provider>
  );
}

/** The poll that is meant: the one of the address, or the likeliest one at the start. */
function entryOf(route: Route, live: LiveState): LivePoll | null {
  switch (route.place) {
    case 'home':
      return firstPoll(live.polls.values());
    case 'new':
    case 'metering':
      return null;
    case 'poll':
    case 'wall':
      return live.polls.get(route.poll) ?? null;
  }
}

/** The fragment is the console's address, so skipping moves the focus and not the place. */
function focusContent(): void {
  document.getElementById('content')?.focus();
}
