/** An answer of the API as state: asked when its key changes, and again on demand. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { useConsole } from '../console-context.ts';
import type { Outcome } from '../sender.ts';

export interface Remote<T> {
  /** Null until the first answer, and where there is none; while it is asked anew the last one stays. */
  readonly value: T | null;
  readonly isLoading: boolean;
  /** What went wrong, in words; empty where nothing did. */
  readonly failure: string;
  /** HTTP status of the failure; null without one. */
  readonly status: number | null;
  reload(): void;
}

interface Settled<T> {
  readonly key: string;
  readonly value: T | null;
  readonly failure: string;
  readonly status: number | null;
}

/** A null key asks nothing. An answer to an earlier key is dropped. */
export function useRemote<T>(key: string | null, load: () => Promise<Outcome<T>>): Remote<T> {
  const { explain } = useConsole();
  const [settled, setSettled] = useState<Settled<T> | null>(null);
  const [round, setRound] = useState(0);
  const [isLoading, setIsLoading] = useState(false);

  useEffect(() => {
    if (key === null) return;
    let isCurrent = true;
    setIsLoading(true);
    void load().then((outcome) => {
      if (!isCurrent) return;
      setIsLoading(false);
      setSettled((before) =>
        outcome.ok
          ? { key, value: outcome.value, failure: '', status: null }
          : {
              key,
              value: before?.key === key ? before.value : null,
              failure: explain(outcome.problem),
              status: outcome.problem.status,
            },
      );
    });
    return () => {
      isCurrent = false;
    };
  }, [key, round]);

  const reload = useCallback(() => setRound((at) => at + 1), []);
  const isOwn = key !== null && settled?.key === key;
  return {
    value: isOwn ? settled.value : null,
    failure: isOwn ? settled.failure : '',
    status: isOwn ? settled.status : null,
    isLoading: isLoading || (key !== null && !isOwn),
    reload,
  };
}
