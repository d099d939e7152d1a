/** Light or dark: as the system says until someone chooses. */
import { useEffect, useState } from 'preact/hooks';
import type { Theme } from './palette.ts';
import { useSetting } from './use-setting.ts';

const isChoice = (value: string): value is Theme | 'system' =>
  value === 'light' || value === 'dark' || value === 'system';

export function useTheme(): readonly [Theme, () => void] {
  const [choice, setChoice] = useSetting<Theme | 'system'>('theme', 'system', isChoice);
  const [system, setSystem] = useState<Theme>(systemTheme);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const follow = () => setSystem(systemTheme());
    query.addEventListener('change', follow);
    return () => query.removeEventListener('change', follow);
  }, []);
  const theme = choice === 'system' ? system : choice;
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return [theme, () => setChoice(theme === 'dark' ? 'light' : 'dark')];
}

function systemTheme(): Theme {
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}
