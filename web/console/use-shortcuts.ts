/** Listens for single-key shortcuts while they are on and nobody is typing. */
import { useEffect, useRef } from 'preact/hooks';
import { type Command, commandOf } from './shortcut.ts';

const TYPING = 'input:not([type=radio], [type=checkbox]), select, textarea';

export function useShortcuts(isOn: boolean, commands: Readonly<Record<Command, () => void>>): void {
  const newest = useRef({ isOn, commands });
  newest.current = { isOn, commands };
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const command = commandOf({
        key: event.key,
        ctrlKey: event.ctrlKey,
        metaKey: event.metaKey,
        altKey: event.altKey,
        isTyping: isTyping(event.target),
      });
      if (command === null || !newest.current.isOn) return;
      event.preventDefault();
      newest.current.commands[command]();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches(TYPING);
}
