/** The page's clock as state, ticking on the whole period so that all countdowns turn together. */
import { useEffect, useState } from 'preact/hooks';

export function useNow(periodMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const tick = () => {
      const at = Date.now();
      setNow(at);
      timer = setTimeout(tick, periodMs - (at % periodMs));
    };
    tick();
    return () => clearTimeout(timer);
  }, [periodMs]);
  return now;
}
