/** Who did what last. */
import { textOf, useConsole } from './console-context.ts';
import type { LivePoll } from './live-state.ts';
import type { Messages } from './messages-pt-br.ts';
import type { OperatorAct } from './poll.ts';

const SHOWN_MAX = 12;

export function ActLog({ entry }: { readonly entry: LivePoll }) {
  const { m, f, live } = useConsole();
  const acts = live.acts.filter((act) => act.poll === entry.poll.id).slice(0, SHOWN_MAX);
  return (
    <section class="panel" aria-label={m.actLog}>
      <header class="panel-head">
        <h2>{m.actLog}</h2>
      </header>
      {acts.length === 0 ? (
        <p class="none">{m.actLogNone}</p>
      ) : (
        <ol class="act-log">
          {acts.map((act) => (
            <li key={`${act.at} ${act.act}`}>
              <time dateTime={act.at}>{f.clock(Date.parse(act.at), entry.poll.timeZone)}</time>
              <span>
                {textOf(m.actDone, act.act) ?? act.act}
                <span class="hint"> · {actorOf(act, m)}</span>
                {act.act === 'update' && act.detail !== null && (
                  <span class="hint"> · {settingsOf(act.detail, m)}</span>
                )}
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** Who did it; the schedule signs as `clock`. */
export function actorOf(act: OperatorAct, m: Messages): string {
  return act.actor === 'clock' ? m.actorClock : act.actor;
}

/** The detail of an update is a list of the settings that it changed. */
function settingsOf(detail: string, m: Messages): string {
  const names = detail.split(', ');
  return names.map((name) => textOf(m.settingName, name) ?? name).join(', ');
}

/** The newest act of one kind on one poll. */
export function lastAct(
  acts: readonly OperatorAct[],
  poll: string,
  act: string,
): OperatorAct | null {
  return acts.find((entry) => entry.poll === poll && entry.act === act) ?? null;
}
