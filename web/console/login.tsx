/** The door of the console: one field for the operator's token. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiClient } from './api-client.ts';
import { Brand } from './brand.tsx';
import { textOf } from './console-context.ts';
import type { Messages } from './messages-pt-br.ts';

interface LoginProps {
  readonly api: ApiClient;
  readonly m: Messages;
  onSignedIn(): void;
}

export function Login({ api, m, onSignedIn }: LoginProps) {
  const field = useRef<HTMLInputElement>(null);
  const [token, setToken] = useState('');
  const [isShown, setIsShown] = useState(false);
  const [isWorking, setIsWorking] = useState(false);
  const [failure, setFailure] = useState('');

  useEffect(() => field.current?.focus(), []);

  const signIn = async (event: Event) => {
    event.preventDefault();
    if (token.trim() === '') return setFailure(m.signInRequired);
    setIsWorking(true);
    setFailure('');
    const outcome = await api.signIn(token.trim());
    setIsWorking(false);
    if (outcome.ok) return onSignedIn();
    const { code, status } = outcome.problem;
    setFailure(
      status === 401 ? m.signInRefused : (textOf(m.problem, code) ?? m.problem.unreadable),
    );
  };

  return (
    <main class="login">
      <form class="panel" onSubmit={signIn} noValidate>
        <Brand />
        <h1>{m.signInTitle}</h1>
        <label class="field">
          <span>{m.signInToken}</span>
          <span class="row">
            <input
              {...(isShown ? { type: 'text' as const } : { type: 'password' as const })}
              ref={field}
              name="token"
              autocomplete="current-password"
              spellcheck={false}
              value={token}
              aria-invalid={failure !== ''}
              aria-describedby="token-hint"
              onInput={(event) => setToken(event.currentTarget.value)}
            />
            <button type="button" class="quiet" onClick={() => setIsShown(!isShown)}>
              {isShown ? m.signInHide : m.signInShow}
            </button>
          </span>
        </label>
        <p class="failure" role="alert">
          {failure}
        </p>
        <button type="submit" class="primary big" disabled={isWorking}>
          {isWorking ? m.signingIn : m.signInButton}
        </button>
        <p class="hint" id="token-hint">
          {m.signInHint}
        </p>
      </form>
    </main>
  );
}
