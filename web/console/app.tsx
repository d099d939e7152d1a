/** The console from the outside in: the session first, then the words, then everything else. */
import { useEffect, useMemo, useReducer, useState } from 'preact/hooks';
import { createApiClient } from './api-client.ts';
import { createFormats } from './format.ts';
import { INITIAL_LIVE, reduceLive } from './live-state.ts';
import { Login } from './login.tsx';
import { langOf, MESSAGES } from './messages.ts';
import { Shell } from './shell.tsx';
import { useTheme } from './use-theme.ts';

type Session = 'asking' | 'out' | 'in' | 'unreachable';

const YEAR_S = 31_536_000;
const ASK_AGAIN_MS = 2_000;

export function App({ initialLang }: { readonly initialLang: string }) {
  const [lang, setLang] = useState(() => langOf(initialLang));
  const [theme, toggleTheme] = useTheme();
  const [session, setSession] = useState<Session>('asking');
  const [live, dispatch] = useReducer(reduceLive, INITIAL_LIVE);
  const api = useMemo(() => createApiClient((input, init) => fetch(input, init)), []);
  const m = MESSAGES[lang];
  const formats = useMemo(() => createFormats(lang), [lang]);

  useEffect(() => {
    document.documentElement.lang = lang;
    document.title = m.consoleTitle;
  }, [lang]);

  useEffect(() => {
    if (session !== 'asking' && session !== 'unreachable') return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      const outcome = await api.session();
      if (outcome.ok) return setSession(outcome.value ? 'in' : 'out');
      setSession('unreachable');
      timer = setTimeout(() => void ask(), ASK_AGAIN_MS);
    };
    void ask();
    return () => clearTimeout(timer);
  }, []);

  const leave = () => {
    dispatch({ type: 'reset' });
    setSession('out');
  };

  switch (session) {
    case 'asking':
      return <p class="boot">{m.loading}</p>;
    case 'unreachable':
      return (
        <p class="boot" role="alert">
          {m.problem.network}
        </p>
      );
    case 'out':
      return <Login api={api} m={m} onSignedIn={() => setSession('in')} />;
    case 'in':
      return (
        <Shell
          m={m}
          f={formats}
          lang={lang}
          theme={theme}
          live={live}
          api={api}
          dispatch={dispatch}
          onTheme={toggleTheme}
          onLang={(chosen) => {
            setLang(chosen);
            // biome-ignore lint/suspicious/noDocumentCookie: the server reads the choice from here.
            document.cookie = `apura_lang=${chosen}; path=/; max-age=${YEAR_S}; samesite=lax`;
          }}
          onLeave={leave}
        />
      );
  }
}
