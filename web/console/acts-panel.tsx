/** The acts that a poll's state offers, each with what it does and who did it last. */
import { actorOf, lastAct } from './act-log.tsx';
import { useConsole } from './console-context.ts';
import { Icon } from './icon.tsx';
import type { LivePoll } from './live-state.ts';
import { actsOf, isIrreversible, type PollAct } from './poll-act.ts';

/** What sets a waiting poll in motion is what one comes for; what stops it must not shout. */
const STARTING: ReadonlySet<PollAct> = new Set(['open', 'resume']);

export function ActsPanel({ entry }: { readonly entry: LivePoll }) {
  const { m, f, live, ask } = useConsole();
  const { poll } = entry;
  const offered = actsOf(poll.state);
  return (
    <section class="panel acts" aria-label={m.acts}>
      <header class="panel-head">
        <h2>{m.acts}</h2>
      </header>
      {offered.length === 0 && <p class="none">{m.actsNone}</p>}
      {offered.map((act) => {
        const last = lastAct(live.acts, poll.id, act);
        const kind = isIrreversible(act) ? 'danger' : STARTING.has(act) ? 'primary' : '';
        return (
          <div class="act" key={act}>
            <button type="button" class={`big ${kind}`} onClick={() => ask(poll.id, act)}>
              <Icon name={act} />
              {m.actName[act]}…
            </button>
            {last !== null && (
              <p class="hint">
                {m.actLast(
                  m.actDone[act],
                  actorOf(last, m),
                  f.clock(Date.parse(last.at), poll.timeZone),
                )}
              </p>
            )}
          </div>
        );
      })}
    </section>
  );
}
