/** Asks before dead letters are sent again or given up, and goes on until all that match are. */
import { useConsole } from '../console-context.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import type { ChosenLetters, LetterAct } from './metering-api.ts';

interface LetterActDialogProps {
  readonly act: LetterAct;
  readonly chosen: ChosenLetters;
  /** Null: as many as match. */
  readonly count: number | null;
  onDone(): void;
  onClose(): void;
}

/** One request does a bounded number; this many requests are enough for any night. */
const REQUESTS_MAX = 200;

export function LetterActDialog({ act, chosen, count, onDone, onClose }: LetterActDialogProps) {
  const { m, f, api, announce, explain } = useConsole();
  const w = m.metering;
  const perform = async (): Promise<string> => {
    let resolved = 0;
    let next = chosen;
    for (let request = 0; request < REQUESTS_MAX; request += 1) {
      const outcome = await api.metering.actOnLetters(next, act);
      if (!outcome.ok) {
        if (resolved > 0) onDone();
        return explain(outcome.problem);
      }
      resolved += outcome.value.resolved;
      const { nextCursor } = outcome.value;
      if (nextCursor === null || 'ids' in next) break;
      next = { ...next, cursor: nextCursor };
    }
    announce(w.lettersResolved[act](f.integer(resolved)));
    onDone();
    return '';
  };
  return (
    <ConfirmDialog
      title={w.letterAsk[act]}
      confirm={w.letterAct[act]}
      isDanger={act === 'discard'}
      perform={perform}
      onClose={onClose}
    >
      <p>
        <strong>{count === null ? w.lettersAllMatching : w.lettersCount(f.integer(count))}</strong>
      </p>
      <p>{w.letterEffect[act]}</p>
    </ConfirmDialog>
  );
}
