/** Makes a poll, or changes a draft: the whole form, its pictures, and what the server says to it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useConsole } from './console-context.ts';
import { FieldFrame, issueText, noteId } from './field-frame.tsx';
import { serverNow } from './live-state.ts';
import { OptionRows } from './option-rows.tsx';
import type { Poll } from './poll.ts';
import {
  bodyOf,
  type FormIssues,
  formOf,
  issuesFromServer,
  issuesOf,
  type PollForm,
  TITLE_LENGTH_MAX,
} from './poll-form.ts';
import { ResultsFields } from './results-fields.tsx';
import { ScheduleFields } from './schedule-fields.tsx';

/** A form that was left before it was saved, and the poll's version that it changes. */
export interface KeptForm {
  readonly form: PollForm;
  readonly version: number;
}

interface PollEditorProps {
  /** Null makes a new poll. */
  readonly poll: Poll | null;
  readonly initial: PollForm;
  /** What was typed and not saved, by place: leaving a form does not lose it. */
  readonly kept: Map<string, KeptForm>;
  readonly place: string;
}

const NO_ISSUES: FormIssues = new Map();

export function PollEditor({ poll, initial, kept, place }: PollEditorProps) {
  const { m, live, api, dispatch, go, announce, explain } = useConsole();
  const [form, setForm] = useState(() => kept.get(place)?.form ?? initial);
  const [saved, setSaved] = useState(initial);
  const [version, setVersion] = useState(() => kept.get(place)?.version ?? poll?.version ?? 0);
  const [issues, setIssues] = useState<FormIssues>(NO_ISSUES);
  const [failure, setFailure] = useState('');
  const [isWorking, setIsWorking] = useState(false);
  const element = useRef<HTMLFormElement>(null);
  const isChanged = form !== saved;

  const settle = (settled: PollForm, at: number) => {
    setForm(settled);
    setSaved(settled);
    setVersion(at);
  };

  // What another operator saves shows here, unless it would wipe out what is being typed.
  useEffect(() => {
    if (poll !== null && !isChanged) settle(formOf(poll), poll.version);
  }, [poll?.version]);

  useEffect(() => {
    if (!isChanged) {
      kept.delete(place);
      return;
    }
    kept.set(place, { form, version });
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [form, isChanged]);

  const refuse = (found: FormIssues, text: string) => {
    setIssues(found);
    setFailure(text);
    requestAnimationFrame(() => {
      element.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
    });
  };

  const save = async (event: Event) => {
    event.preventDefault();
    const found = issuesOf(form, serverNow(live, Date.now()));
    if (found.size > 0) return refuse(found, '');
    setIssues(NO_ISSUES);
    setFailure('');
    setIsWorking(true);
    const body = bodyOf(form);
    const outcome =
      poll === null
        ? await api.createPoll(body)
        : await api.changePoll(poll.id, { ...body, expectedVersion: version });
    if (!outcome.ok) {
      setIsWorking(false);
      const { problem } = outcome;
      return refuse(issuesFromServer(form, problem.errors), explain(problem));
    }
    const refused = await uploadPictures(outcome.value);
    setIsWorking(false);
    dispatch({ type: 'poll', poll: outcome.value });
    const fresh = formOf(outcome.value);
    // Pictures that did go up come back with the poll's next version.
    settle(withPictures(fresh, form, refused), outcome.value.version);
    if (refused.length > 0) announce(m.formPicturesFailed);
    else announce(poll === null ? m.formCreated : m.formSaved);
    if (poll === null) {
      kept.delete(place);
      go({ place: 'poll', poll: outcome.value.id });
    }
  };

  /** The server answers with the options in the order that was sent, so places match. */
  const uploadPictures = async (target: Poll): Promise<readonly number[]> => {
    const refused: number[] = [];
    for (const [place, option] of form.options.entries()) {
      const id = target.options[place]?.id;
      if (option.picture === null || id === undefined) continue;
      const outcome = await api.putImage(target.id, id, option.picture);
      if (!outcome.ok) refused.push(place);
    }
    return refused;
  };

  return (
    <form class="panel editor" ref={element} onSubmit={save} noValidate>
      <h1>{poll === null ? m.formNewTitle : m.formEditTitle}</h1>
      <FieldFrame
        id="title"
        name={m.formQuestion}
        hint={m.formQuestionHint}
        issue={issueText(issues, 'title', m)}
      >
        <input
          type="text"
          id="title"
          name="title"
          maxLength={TITLE_LENGTH_MAX}
          value={form.title}
          aria-invalid={issues.has('title')}
          aria-describedby={noteId('title')}
          onInput={(event) => setForm({ ...form, title: event.currentTarget.value })}
        />
      </FieldFrame>
      <OptionRows form={form} issues={issues} onChange={setForm} />
      <ScheduleFields form={form} issues={issues} onChange={setForm} />
      <ResultsFields form={form} onChange={setForm} />
      <p class="failure" role="alert">
        {failure}
      </p>
      <div class="buttons editor-buttons">
        {isChanged && poll !== null && <span class="hint">{m.formUnsaved}</span>}
        {poll !== null && (
          <button
            type="button"
            disabled={!isChanged || isWorking}
            onClick={() => settle(formOf(poll), poll.version)}
          >
            {m.formDiscard}
          </button>
        )}
        <button type="submit" class="primary" disabled={isWorking || (poll !== null && !isChanged)}>
          {isWorking ? m.working : poll === null ? m.formCreate : m.formSave}
        </button>
      </div>
    </form>
  );
}

/** Keeps the pictures that were refused in the form, so that they can be seen and replaced. */
function withPictures(fresh: PollForm, sent: PollForm, places: readonly number[]): PollForm {
  return {
    ...fresh,
    options: fresh.options.map((option, place) =>
      places.includes(place)
        ? { ...option, picture: sent.options[place]?.picture ?? null }
        : option,
    ),
  };
}
