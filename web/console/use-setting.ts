/** A choice of this browser that outlives a reload. */
import { useState } from 'preact/hooks';

/** `isValid` guards against what an older page, or a person, has left in the storage. */
export function useSetting<T extends string>(
  name: string,
  initial: T,
  isValid: (value: string) => value is T,
): readonly [T, (value: T) => void] {
  const key = `apura.${name}`;
  const [value, setValue] = useState<T>(() => {
    const stored = read(key);
    return stored !== null && isValid(stored) ? stored : initial;
  });
  const change = (next: T) => {
    setValue(next);
    try {
      localStorage.setItem(key, next);
    } catch {
      // A full or forbidden storage costs the memory of a choice, not the choice.
    }
  };
  return [value, change];
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
