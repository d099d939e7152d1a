/** The list of keyboard shortcuts, and the switch that turns them off. */
import { useEffect, useRef } from 'preact/hooks';
import { useConsole } from './console-context.ts';
import { SHORTCUTS } from './shortcut.ts';

interface ShortcutsDialogProps {
  readonly isOn: boolean;
  onSwitch(isOn: boolean): void;
  onClose(): void;
}

export function ShortcutsDialog({ isOn, onSwitch, onClose }: ShortcutsDialogProps) {
  const { m } = useConsole();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="ask" aria-labelledby="shortcuts-title" onClose={onClose}>
      <h2 id="shortcuts-title">{m.shortcuts}</h2>
      <dl class="shortcuts">
        {SHORTCUTS.map(({ key, command }) => (
          <div key={command}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{m.shortcutName[command]}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={isOn}
          onChange={(event) => onSwitch(event.currentTarget.checked)}
        />
        {m.shortcutsOn}
      </label>
      <div class="buttons">
        <button type="button" class="primary" onClick={() => dialog.current?.close()}>
          {m.close}
        </button>
      </div>
    </dialog>
  );
}
