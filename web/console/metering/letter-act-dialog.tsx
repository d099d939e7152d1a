/** Asks before dead letters are sent again or given up, goes on until all that match are, and tells which could not be. */
import { useState } from 'preact/hooks';
import { textOf, useConsole } from '../console-context.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { type LetterOutcome, NO_OUTCOME, withAnswer } from './letter-outcome.ts';
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
  const [outcome, setOutcome] = useState(NO_OUTCOME);
  const perform = async (): Promise<string | null> => {
    let sum = NO_OUTCOME;
    let next = chosen;
    for (let request = 0; request < REQUESTS_MAX; request += 1) {
      const answer = await api.metering.actOnLetters(next, act);
      if (!answer.ok) {
        if (sum.resolved > 0) onDone();
        setOutcome(sum);
        return explain(answer.problem);
      }
      sum = withAnswer(sum, answer.value);
      const { nextCursor } = answer.value;
      if (nextCursor === null || 'ids' in next) break;
      next = { ...next, cursor: nextCursor };
    }
    announce(w.lettersResolved[act](f.integer(sum.resolved)));
    onDone();
    setOutcome(sum);
    return sum.failed > 0 ? null : '';
  };
  const hasFailures = outcome.failed > 0;
  return (
    <ConfirmDialog
      title={hasFailures ? w.lettersFailedTitle : w.letterAsk[act]}
      confirm={w.letterAct[act]}
      isDanger={act === 'discard'}
      perform={perform}
      onClose={onClose}
    >
      {hasFailures ? (
        <Failures outcome={outcome} act={act} />
      ) : (
        <>
          <p>
            <strong>
              {count === null ? w.lettersAllMatching : w.lettersCount(f.integer(count))}
            </strong>
          </p>
          <p>{w.letterEffect[act]}</p>
        </>
      )}
    </ConfirmDialog>
  );
}

interface FailuresProps {
  readonly outcome: LetterOutcome;
  readonly act: LetterAct;
}

function Failures({ outcome: { resolved, failed, shown }, act }: FailuresProps) {
  const { m, f } = useConsole();
  const w = m.metering;
  return (
    <div class="letter-failures" role="status">
      <p>
        {w.lettersResolved[act](f.integer(resolved))}{' '}
        <strong>{w.lettersFailed(f.integer(failed))}</strong>
      </p>
      <ul>
        {shown.map(({ id, code, detail }) => (
          <li key={id}>
            <code class="hint" title={id}>
              {id.slice(0, 8)}
            </code>{' '}
            {textOf(w.letterFailure, code) ?? (detail || code)}
          </li>
        ))}
      </ul>
      {failed > shown.length && (
        <p class="hint">{w.lettersFailedMore(f.integer(failed - shown.length))}</p>
      )}
    </div>
  );
}
