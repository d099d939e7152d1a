/** Asks before an act: what will happen, to which poll, and a typed word when there is no way back. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useConsole } from './console-context.ts';
import type { LivePoll } from './live-state.ts';
import { confirms, isIrreversible, type PollAct } from './poll-act.ts';
import { StateMark } from './state-mark.tsx';

interface ActDialogProps {
  readonly entry: LivePoll;
  readonly act: PollAct;
  onDone(): void;
}

export function ActDialog({ entry, act, onDone }: ActDialogProps) {
  const { m, f, api, dispatch, announce, explain } = useConsole();
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState('');
  const [isWorking, setIsWorking] = useState(false);
  const [failure, setFailure] = useState('');
  useEffect(() => dialog.current?.showModal(), []);

  const { poll } = entry;
  const word = act === 'close' || act === 'publish' ? m.confirmWord[act] : '';
  const isReady = !isIrreversible(act) || confirms(typed, word);

  const perform = async (event: Event) => {
    event.preventDefault();
    if (!isReady || isWorking) return;
    setIsWorking(true);
    setFailure('');
    const outcome = await api.act(poll.id, act, poll.version);
    setIsWorking(false);
    if (!outcome.ok) {
      setFailure(explain(outcome.problem));
      return;
    }
    dispatch({ type: 'poll', poll: outcome.value });
    announce(`${poll.title}: ${m.state[outcome.value.state]}`);
    onDone();
  };

  return (
    <dialog ref={dialog} class="ask" aria-labelledby="ask-title" onClose={onDone}>
      <form onSubmit={perform}>
        <h2 id="ask-title">{m.actAsk[act]}</h2>
        <div class="ask-poll">
          <strong>{poll.title}</strong>
          <span class="ask-facts">
            <StateMark state={poll.state} />
            {entry.total !== null && (
              <span>
                {m.counted}: {f.integer(entry.total)}
              </span>
            )}
          </span>
        </div>
        <p>{m.actEffect[act]}</p>
        {isIrreversible(act) && (
          <>
            <p class="warning-text">{m.irreversible}</p>
            <label class="field">
              <span>{m.typeToConfirm(word)}</span>
              <input
                type="text"
                autocomplete="off"
                autocapitalize="characters"
                spellcheck={false}
                value={typed}
                onInput={(event) => setTyped(event.currentTarget.value)}
              />
            </label>
          </>
        )}
        {failure !== '' && (
          <p class="failure" role="alert">
            {failure}
          </p>
        )}
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            {m.cancel}
          </button>
          <button
            type="submit"
            class={isIrreversible(act) ? 'danger' : 'primary'}
            disabled={!isReady || isWorking}
          >
            {isWorking ? m.working : m.actName[act]}
          </button>
        </div>
      </form>
    </dialog>
  );
}
