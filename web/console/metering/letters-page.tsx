/** Dead letters: what could not be processed, chosen by filters, sent again or given up one by one or together. */
import { useEffect, useState } from 'preact/hooks';
import { textOf, useConsole } from '../console-context.ts';
import { hrefOf } from '../route.ts';
import { ScrollArea } from '../scroll-area.tsx';
import { Moment } from './amounts.tsx';
import { NO_ISSUES } from './field-issues.ts';
import { ChoiceField, TextField } from './fields.tsx';
import { LetterActDialog } from './letter-act-dialog.tsx';
import {
  type DeadLetter,
  LETTER_QUEUES,
  LETTER_STATES,
  type LetterFilter,
  type LetterState,
} from './metering.ts';
import type { ChosenLetters, LetterAct } from './metering-api.ts';

const PENDING: LetterFilter = { queue: '', state: 'PENDING', tenant: '', code: '' };
/** What is typed is asked for when the typing has paused. */
const TYPING_MS = 350;

interface Listed {
  readonly letters: readonly DeadLetter[];
  readonly nextCursor: string | null;
  readonly failure: string;
}

interface Asked {
  readonly act: LetterAct;
  readonly chosen: ChosenLetters;
  /** Null: as many as match. */
  readonly count: number | null;
}

export function LettersPage() {
  const { m, f, api, explain } = useConsole();
  const w = m.metering;
  const [filter, setFilter] = useState(PENDING);
  const [listed, setListed] = useState<Listed | null>(null);
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<Asked | null>(null);
  const [round, setRound] = useState(0);
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  const load = async (cursor: string | null, before: readonly DeadLetter[]): Promise<Listed> => {
    const outcome = await api.metering.letters(filter, cursor);
    if (!outcome.ok) {
      return { letters: before, nextCursor: cursor, failure: explain(outcome.problem) };
    }
    const { items, nextCursor } = outcome.value;
    return { letters: [...before, ...items], nextCursor, failure: '' };
  };
  useEffect(() => {
    let isCurrent = true;
    const timer = setTimeout(
      () =>
        void load(null, []).then((found) => {
          if (!isCurrent) return;
          setListed(found);
          setMarked(new Set());
        }),
      listed === null ? 0 : TYPING_MS,
    );
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [filter, round]);
  const more = async () => {
    if (listed === null) return;
    setListed(await load(listed.nextCursor, listed.letters));
  };

  const letters = listed?.letters ?? [];
  const waiting = letters.filter(({ state }) => state === 'PENDING');
  const ids = waiting.map(({ id }) => id).filter((id) => marked.has(id));
  const mark = (id: string, isMarked: boolean) => {
    const next = new Set(marked);
    if (isMarked) next.add(id);
    else next.delete(id);
    setMarked(next);
  };
  const isAllMarked = waiting.length > 0 && ids.length === waiting.length;
  const ask = (act: LetterAct) =>
    setAsked(
      ids.length > 0
        ? { act, chosen: { ids }, count: ids.length }
        : { act, chosen: { filter }, count: null },
    );
  const canResolve = waiting.length > 0;

  return (
    <>
      <h1>{w.page.letters}</h1>
      <p class="hint page-hint">{w.lettersText}</p>
      <section class="panel" aria-label={w.page.letters}>
        <div class="filters">
          <ChoiceField
            at="/state"
            name={w.letterStateLabel}
            issues={NO_ISSUES}
            value={filter.state}
            choices={[
              ['', w.any],
              ...LETTER_STATES.map((state) => [state, w.letterState[state]] as const),
            ]}
            onChange={(state) => setFilter({ ...filter, state })}
          />
          <ChoiceField
            at="/queue"
            name={w.letterQueueLabel}
            issues={NO_ISSUES}
            value={filter.queue}
            choices={[
              ['', w.any],
              ...LETTER_QUEUES.map((queue) => [queue, w.letterQueue[queue]] as const),
            ]}
            onChange={(queue) => setFilter({ ...filter, queue })}
          />
          <TextField
            at="/tenant"
            name={w.tenant}
            issues={NO_ISSUES}
            value={filter.tenant}
            onChange={(tenant) => setFilter({ ...filter, tenant })}
          />
          <TextField
            at="/code"
            name={w.letterCode}
            issues={NO_ISSUES}
            value={filter.code}
            onChange={(code) => setFilter({ ...filter, code })}
          />
        </div>
        <div class="batch">
          <span class="hint" role="status">
            {ids.length > 0 ? w.lettersMarked(f.integer(ids.length)) : w.lettersMarkHint}
          </span>
          <button type="button" disabled={!canResolve} onClick={() => ask('requeue')}>
            {ids.length > 0 ? w.requeueMarked : w.requeueMatching}
          </button>
          <button
            type="button"
            class="danger"
            disabled={!canResolve}
            onClick={() => ask('discard')}
          >
            {ids.length > 0 ? w.discardMarked : w.discardMatching}
          </button>
          <button type="button" class="quiet" onClick={() => setRound(round + 1)}>
            {w.refresh}
          </button>
        </div>
        {letters.length === 0 ? (
          <p class="none">{listed === null ? w.loading : listed.failure || w.lettersNone}</p>
        ) : (
          <ScrollArea label={`${w.page.letters}, ${m.asTable}`}>
            <table class="rows cards">
              <thead>
                <tr>
                  <th scope="col">
                    <input
                      type="checkbox"
                      aria-label={w.markAll}
                      checked={isAllMarked}
                      disabled={waiting.length === 0}
                      onChange={(event) =>
                        setMarked(
                          new Set(event.currentTarget.checked ? waiting.map(({ id }) => id) : []),
                        )
                      }
                    />
                  </th>
                  <th scope="col">{w.letterCode}</th>
                  <th scope="col">{w.letterStateLabel}</th>
                  <th scope="col">{w.tenant}</th>
                  <th scope="col">{w.letterQueueLabel}</th>
                  <th scope="col" class="num">
                    {w.attempts}
                  </th>
                  <th scope="col">{w.lastFailed}</th>
                </tr>
              </thead>
              <tbody>
                {letters.map((letter) => (
                  <tr key={letter.id}>
                    <td>
                      {letter.state === 'PENDING' && (
                        <input
                          type="checkbox"
                          aria-label={w.markOne(letter.code, letter.id.slice(0, 8))}
                          checked={marked.has(letter.id)}
                          onChange={(event) => mark(letter.id, event.currentTarget.checked)}
                        />
                      )}
                    </td>
                    <th scope="row">
                      <a
                        href={hrefOf({ place: 'metering', at: { page: 'letter', id: letter.id } })}
                      >
                        {textOf(w.letterCodeName, letter.code) ?? letter.code}
                      </a>
                      <span class="hint row-note">{letter.message}</span>
                    </th>
                    <td>
                      <LetterMark state={letter.state} />
                    </td>
                    <td data-name={w.tenant}>{letter.tenant ?? '–'}</td>
                    <td data-name={w.letterQueueLabel}>{w.letterQueue[letter.queue]}</td>
                    <td class="num" data-name={w.attempts}>
                      {f.integer(letter.attempts)}
                    </td>
                    <td data-name={w.lastFailed}>
                      <Moment at={letter.lastFailedAt} timeZone={timeZone} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </ScrollArea>
        )}
        {listed !== null && listed.failure !== '' && letters.length > 0 && (
          <p class="failure" role="alert">
            {listed.failure}
          </p>
        )}
        {listed !== null && listed.nextCursor !== null && (
          <p class="more">
            <button type="button" onClick={() => void more()}>
              {w.more}
            </button>
          </p>
        )}
      </section>
      {asked !== null && (
        <LetterActDialog
          {...asked}
          onDone={() => setRound((at) => at + 1)}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  );
}

export function LetterMark({ state }: { readonly state: LetterState }) {
  const { m } = useConsole();
  return <span class={`mark mark-${state.toLowerCase()}`}>{m.metering.letterState[state]}</span>;
}
