/** The first line: whose console this is, whether it is live, the server's time, and the tools. */
import { Brand } from './brand.tsx';
import { useConsole } from './console-context.ts';
import { Icon } from './icon.tsx';
import { serverNow } from './live-state.ts';
import { LANGS, type Lang } from './messages.ts';
import { SectionLinks } from './sections.tsx';
import { useNow } from './use-now.ts';

const LANG_NAMES: Readonly<Record<Lang, string>> = {
  'pt-BR': 'Português',
  en: 'English',
  es: 'Español',
};

interface TopBarProps {
  readonly isListOpen: boolean;
  readonly isMetering: boolean;
  readonly timeZone: string;
  /** Where the wall of the shown poll is; null where no poll is shown. */
  readonly wallHref: string | null;
  onList(): void;
  onTheme(): void;
  onLang(lang: Lang): void;
  onHelp(): void;
  onSignOut(): void;
}

export function TopBar(props: TopBarProps) {
  const { m, f, lang, live } = useConsole();
  const now = useNow(250);
  const phase = live.link.phase;
  const linkText = { live: m.linkLive, connecting: m.linkConnecting, lost: m.linkLost }[phase];
  return (
    <header class="top">
      <button
        type="button"
        class="quiet icon-only menu"
        aria-label={m.menu}
        aria-expanded={props.isListOpen}
        aria-controls="poll-list"
        onClick={props.onList}
      >
        <Icon name="menu" />
      </button>
      <Brand />
      <nav class="places places-top" aria-label={m.sections}>
        <SectionLinks isMetering={props.isMetering} />
      </nav>
      <span class={`link link-${phase}`} role="status">
        <span class="dot" />
        {linkText}
      </span>
      <span class="spacer" />
      <time class="server-clock" title={m.serverClock}>
        <span class="sr-only">{m.serverClock} </span>
        {f.clock(serverNow(live, now), props.timeZone)}
      </time>
      <label class="inline wide-only">
        <span class="sr-only">{m.language}</span>
        <select
          value={lang}
          onChange={(event) => {
            const chosen = LANGS.find((known) => known === event.currentTarget.value);
            if (chosen !== undefined) props.onLang(chosen);
          }}
        >
          {LANGS.map((known) => (
            <option key={known} value={known} lang={known}>
              {LANG_NAMES[known]}
            </option>
          ))}
        </select>
      </label>
      {props.wallHref !== null && (
        <a class="button quiet" href={props.wallHref} title={m.wall} aria-label={m.wall}>
          <Icon name="screen" />
          <span class="wide-only">{m.wall}</span>
        </a>
      )}
      <Tool icon="sun" name={m.theme} onClick={props.onTheme} />
      <span class="wide-only">
        <Tool icon="keyboard" name={m.shortcuts} onClick={props.onHelp} />
      </span>
      <Tool icon="leave" name={m.signOut} onClick={props.onSignOut} />
    </header>
  );
}

interface ToolProps {
  readonly icon: 'sun' | 'keyboard' | 'leave';
  readonly name: string;
  onClick(): void;
}

function Tool({ icon, name, onClick }: ToolProps) {
  return (
    <button type="button" class="quiet icon-only" title={name} aria-label={name} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}
