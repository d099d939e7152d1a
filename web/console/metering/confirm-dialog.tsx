/** Asks before something is done that others will feel, and says what will happen. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useConsole } from '../console-context.ts';

interface ConfirmDialogProps {
  readonly title: string;
  readonly confirm: string;
  readonly isDanger?: boolean;
  /** For tables. */
  readonly isWide?: boolean;
  readonly children: ComponentChildren;
  /**
   * Resolves to what went wrong, in words; empty where it is done. Null: it is done, and the dialog stays,
   * for its children tell what became of it.
   */
  perform(): Promise<string | null>;
  onClose(): void;
}

export function ConfirmDialog(props: ConfirmDialogProps) {
  const { m } = useConsole();
  const dialog = useRef<HTMLDialogElement>(null);
  const [isWorking, setIsWorking] = useState(false);
  const [failure, setFailure] = useState('');
  const [isDone, setIsDone] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (isDone) return props.onClose();
    if (isWorking) return;
    setIsWorking(true);
    setFailure('');
    const wrong = await props.perform();
    setIsWorking(false);
    setIsDone(wrong === null);
    if (wrong === '') props.onClose();
    else setFailure(wrong ?? '');
  };
  return (
    <dialog
      ref={dialog}
      class={`ask${props.isWide === true ? ' ask-wide' : ''}`}
      aria-labelledby="confirm-title"
      onClose={props.onClose}
    >
      <form onSubmit={submit}>
        <h2 id="confirm-title">{props.title}</h2>
        {props.children}
        {failure !== '' && (
          <p class="failure" role="alert">
            {failure}
          </p>
        )}
        <div class="buttons">
          {!isDone && (
            <button type="button" onClick={() => dialog.current?.close()}>
              {m.cancel}
            </button>
          )}
          <button
            type="submit"
            class={props.isDanger === true && !isDone ? 'danger' : 'primary'}
            disabled={isWorking}
          >
            {isDone ? m.close : isWorking ? m.working : props.confirm}
          </button>
        </div>
      </form>
    </dialog>
  );
}
