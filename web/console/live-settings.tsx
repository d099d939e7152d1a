/** The settings that may change while votes arrive: who sees the result, a later end, the look. */
import { useEffect, useState } from 'preact/hooks';
import type { PollPatch } from './api-client.ts';
import { useConsole } from './console-context.ts';
import type { LivePoll } from './live-state.ts';
import { RESULTS_VISIBILITIES, type ResultsVisibility } from './poll.ts';
import { isLive } from './poll-act.ts';
import { instantOf, wallTimeOf } from './zoned-time.ts';

const FALLBACK_COLOR = '#3350c8';

interface Settings {
  readonly visibility: ResultsVisibility;
  /** Wall-clock time of the poll's zone; empty for none. */
  readonly closesAt: string;
  readonly accentColor: string | null;
}

export function LiveSettings({ entry }: { readonly entry: LivePoll }) {
  const { m, api, dispatch, announce, explain } = useConsole();
  const { poll } = entry;
  const saved: Settings = {
    visibility: poll.resultsVisibility,
    closesAt: poll.closesAt === null ? '' : wallTimeOf(Date.parse(poll.closesAt), poll.timeZone),
    accentColor: poll.look.accentColor,
  };
  const [settings, setSettings] = useState(saved);
  const [isWorking, setIsWorking] = useState(false);
  const [failure, setFailure] = useState('');
  useEffect(() => {
    setSettings(saved);
    setFailure('');
  }, [poll.id, poll.version]);

  const change = (part: Partial<Settings>) => setSettings({ ...settings, ...part });
  const isChanged =
    settings.visibility !== saved.visibility ||
    settings.closesAt !== saved.closesAt ||
    settings.accentColor !== saved.accentColor;

  const save = async (event: Event) => {
    event.preventDefault();
    let patch: PollPatch = { expectedVersion: poll.version };
    if (settings.visibility !== saved.visibility) {
      patch = { ...patch, resultsVisibility: settings.visibility };
    }
    if (settings.accentColor !== saved.accentColor) {
      patch = { ...patch, look: { ...poll.look, accentColor: settings.accentColor } };
    }
    if (settings.closesAt !== saved.closesAt) {
      const instant = instantOf(settings.closesAt, poll.timeZone);
      const before = poll.closesAt === null ? 0 : Date.parse(poll.closesAt);
      if (instant.kind !== 'instant') return setFailure(m.issue.no_such_time);
      if (instant.ms < before) return setFailure(m.extendEarlier);
      patch = { ...patch, closesAt: new Date(instant.ms).toISOString() };
    }
    setIsWorking(true);
    setFailure('');
    const outcome = await api.changePoll(poll.id, patch);
    setIsWorking(false);
    if (!outcome.ok) return setFailure(explain(outcome.problem));
    dispatch({ type: 'poll', poll: outcome.value });
    announce(m.settingsSaved);
  };

  return (
    <section class="panel" aria-label={m.liveSettings}>
      <header class="panel-head">
        <h2>{m.liveSettings}</h2>
      </header>
      <form class="stack" onSubmit={save} noValidate>
        <label class="field">
          <span>{m.visibility}</span>
          <select
            value={settings.visibility}
            onChange={(event) => {
              const chosen = event.currentTarget.value;
              const visibility = RESULTS_VISIBILITIES.find((known) => known === chosen);
              if (visibility !== undefined) change({ visibility });
            }}
          >
            {RESULTS_VISIBILITIES.map((visibility) => (
              <option key={visibility} value={visibility}>
                {m.visibilityName[visibility]}
              </option>
            ))}
          </select>
        </label>
        <p class="hint">
          {m.detail}: {m.detailName[poll.resultsDetail]} ({m.detailFrozen})
        </p>
        {isLive(poll.state) && (
          <label class="field">
            <span>{m.extendDeadline}</span>
            <input
              type="datetime-local"
              value={settings.closesAt}
              min={saved.closesAt}
              onInput={(event) => change({ closesAt: event.currentTarget.value })}
            />
            <span class="hint">{m.extendHint(poll.timeZone)}</span>
          </label>
        )}
        <div class="field">
          <span id="accent-label">{m.accentColor}</span>
          <span class="row">
            <label class="check">
              <input
                type="checkbox"
                checked={settings.accentColor !== null}
                onChange={(event) =>
                  change({ accentColor: event.currentTarget.checked ? FALLBACK_COLOR : null })
                }
              />
              {settings.accentColor === null ? m.accentNone : m.accentCustom}
            </label>
            {settings.accentColor !== null && (
              <input
                type="color"
                aria-labelledby="accent-label"
                value={settings.accentColor}
                onInput={(event) => change({ accentColor: event.currentTarget.value })}
              />
            )}
          </span>
        </div>
        {failure !== '' && (
          <p class="failure" role="alert">
            {failure}
          </p>
        )}
        <button type="submit" disabled={!isChanged || isWorking}>
          {isWorking ? m.working : m.save}
        </button>
      </form>
    </section>
  );
}
