/** One dead letter: why it failed, where it lies, its bytes, and what can be done with it. */
import { useState } from 'preact/hooks';
import { textOf, useConsole } from '../console-context.ts';
import { hrefOf } from '../route.ts';
import { ScrollArea } from '../scroll-area.tsx';
import { Absent } from './absent.tsx';
import { Moment } from './amounts.tsx';
import { bytesOfBase64, HEX_ROW_BYTES, hexRows, textOfBytes } from './byte-view.ts';
import { Panel } from './fields.tsx';
import { LetterActDialog } from './letter-act-dialog.tsx';
import { LetterMark } from './letters-page.tsx';
import type { WholeLetter } from './metering.ts';
import type { LetterAct } from './metering-api.ts';
import { useRemote } from './use-remote.ts';

/** More bytes than these are no longer read by eyes. */
const SHOWN_BYTES_MAX = 64 * 1024;

export function LetterPage({ id }: { readonly id: string }) {
  const { m, api } = useConsole();
  const w = m.metering;
  const [asked, setAsked] = useState<LetterAct | null>(null);
  const letter = useRemote(`letter ${id}`, () => api.metering.letter(id));
  const back = (
    <p>
      <a href={hrefOf({ place: 'metering', at: { page: 'letters' } })}>{w.backToLetters}</a>
    </p>
  );
  if (letter.value === null) {
    return (
      <>
        {back}
        <Absent of={letter} />
      </>
    );
  }
  const { state, code } = letter.value;
  return (
    <>
      {back}
      <header class="page-head">
        <h1>{textOf(w.letterCodeName, code) ?? code}</h1>
        <LetterMark state={state} />
        <div class="buttons">
          <button
            type="button"
            class="primary"
            disabled={state === 'REQUEUED'}
            onClick={() => setAsked('requeue')}
          >
            {w.letterAct.requeue}…
          </button>
          <button
            type="button"
            class="danger"
            disabled={state === 'DISCARDED'}
            onClick={() => setAsked('discard')}
          >
            {w.letterAct.discard}…
          </button>
        </div>
      </header>
      <Facts letter={letter.value} />
      <Bytes letter={letter.value} />
      {asked !== null && (
        <LetterActDialog
          act={asked}
          chosen={{ ids: [id] }}
          count={1}
          onDone={letter.reload}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  );
}

function Facts({ letter }: { readonly letter: WholeLetter }) {
  const { m, f } = useConsole();
  const w = m.metering;
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const { origin } = letter;
  const moment = (at: string) => <Moment at={at} timeZone={timeZone} />;
  const facts = [
    [w.letterMessage, letter.message],
    [w.letterCode, <code key="code">{letter.code}</code>],
    [w.tenant, letter.tenant ?? w.unknownTenant],
    [w.letterQueueLabel, w.letterQueue[letter.queue]],
    [
      w.origin,
      w.originAt(
        String(origin.partition),
        String(origin.offset),
        origin.index === null ? '–' : String(origin.index),
      ),
    ],
    [w.attempts, f.integer(letter.attempts)],
    [w.firstFailed, moment(letter.firstFailedAt)],
    [w.lastFailed, moment(letter.lastFailedAt)],
    ...(letter.retryAt === null ? [] : [[w.retryAt, moment(letter.retryAt)] as const]),
    ...(letter.resolvedAt === null
      ? []
      : [
          [
            w.resolvedBy,
            <>
              {letter.resolvedBy}, {moment(letter.resolvedAt)}
            </>,
          ] as const,
        ]),
  ] as const;
  return (
    <Panel name={w.letterFacts}>
      <dl class="pairs">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

function Bytes({ letter }: { readonly letter: WholeLetter }) {
  const { m, f } = useConsole();
  const w = m.metering;
  const [view, setView] = useState<'hex' | 'text'>('hex');
  const bytes = bytesOfBase64(letter.bytes);
  if (bytes === null) return null;
  const isCut = bytes.length > SHOWN_BYTES_MAX;
  return (
    <section class="panel" aria-label={w.bytes}>
      <header class="panel-head">
        <h2>{w.bytes}</h2>
        <p class="hint">{w.byteCount(f.integer(bytes.length))}</p>
        <fieldset class="segments tools">
          <legend class="sr-only">{w.bytesView}</legend>
          {(['hex', 'text'] as const).map((each) => (
            <label key={each}>
              <input
                type="radio"
                name="bytes-view"
                checked={view === each}
                onChange={() => setView(each)}
              />
              <span>{w.bytesViewName[each]}</span>
            </label>
          ))}
        </fieldset>
      </header>
      <ScrollArea label={`${w.bytes}, ${w.bytesViewName[view]}`}>
        {view === 'text' ? (
          <pre class="bytes">{textOfBytes(bytes, SHOWN_BYTES_MAX)}</pre>
        ) : (
          <pre class="bytes">
            {hexRows(bytes, SHOWN_BYTES_MAX / HEX_ROW_BYTES)
              .map(
                ({ offset, hex, ascii }) => `${offset}  ${hex.padEnd(HEX_ROW_BYTES * 3)} ${ascii}`,
              )
              .join('\n')}
          </pre>
        )}
      </ScrollArea>
      {isCut && <p class="hint">{w.bytesCut(f.integer(SHOWN_BYTES_MAX))}</p>}
    </section>
  );
}
