/** The frame of every editor: loads the entry, shows its fields, what is wrong, what a change would move, and its versions. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useConsole } from '../console-context.ts';
import { hrefOf } from '../route.ts';
import type { Problem } from '../sender.ts';
import { Absent } from './absent.tsx';
import { DifferenceDialog } from './difference-dialog.tsx';
import type { EditedEntries, EditedKind } from './entries.ts';
import type { EntryRules } from './entry-rules.ts';
import { type FieldIssues, IssueList, issuesFromServer, NO_ISSUES } from './field-issues.ts';
import { useIssueText } from './fields.tsx';
import { HistoryPanel } from './history-panel.tsx';
import type { EntryBodies } from './metering-api.ts';
import type { MeteringPlace } from './place.ts';
import { type Moves, useEntrySave } from './use-entry-save.ts';
import { useRemote } from './use-remote.ts';

/** What the fields of a form are given. */
export interface FormParts<Kind extends EditedKind, Form> {
  readonly form: Form;
  readonly issues: FieldIssues;
  /** Null while it is a new one. */
  readonly stored: EditedEntries[Kind] | null;
  change(part: Partial<Form>): void;
  /** Takes back what is marked as wrong: for whoever moves the places that the marks are filed under. */
  forgetIssues(): void;
}

/** Where all entries of a kind are listed. */
const LISTS = {
  contract: 'contracts',
  price: 'prices',
  product: 'products',
  threshold: 'thresholds',
} as const satisfies Readonly<Record<EditedKind, MeteringPlace['page']>>;

interface EntryEditorProps<Kind extends EditedKind, Form> {
  /** Null: a new one. */
  readonly id: string | null;
  readonly rules: EntryRules<Kind, Form>;
  readonly words: {
    readonly kind: string;
    readonly fresh: string;
    readonly back: string;
  };
  /** Whose charges a change may move; nobody's where it is absent. */
  moves?(body: EntryBodies[Kind], stored: EditedEntries[Kind] | null): Moves;
  fields(parts: FormParts<Kind, Form>): ComponentChildren;
  /** Between the form and the versions. */
  below?(form: Form, stored: EditedEntries[Kind] | null): ComponentChildren;
}

export function EntryEditor<Kind extends EditedKind, Form>(props: EntryEditorProps<Kind, Form>) {
  const { api } = useConsole();
  const { id, rules, words } = props;
  const entry = useRemote(id === null ? null : `${rules.kind} ${id}`, () =>
    api.metering.entry(rules.kind, id ?? ''),
  );
  if (id !== null && entry.value === null) {
    return (
      <>
        <BackLink kind={rules.kind} text={words.back} />
        <Absent of={entry} />
      </>
    );
  }
  // A version that was loaded anew begins with a form of its own.
  return (
    <Editor key={entry.value?.version} {...props} entry={entry.value} onReload={entry.reload} />
  );
}

function BackLink({ kind, text }: { readonly kind: EditedKind; readonly text: string }) {
  return (
    <p>
      <a href={hrefOf({ place: 'metering', at: { page: LISTS[kind] } })}>{text}</a>
    </p>
  );
}

interface EditorProps<Kind extends EditedKind, Form> extends EntryEditorProps<Kind, Form> {
  readonly entry: EditedEntries[Kind] | null;
  onReload(): void;
}

function Editor<Kind extends EditedKind, Form>(props: EditorProps<Kind, Form>) {
  const { rules, entry, words } = props;
  const { m, lang, go, announce, explain } = useConsole();
  const w = m.metering;
  const element = useRef<HTMLFormElement>(null);
  const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const [stored, setStored] = useState(entry);
  const [form, setForm] = useState<Form>(() =>
    entry === null ? rules.empty(ownZone) : rules.formOf(entry, null, ownZone, lang),
  );
  const [saved, setSaved] = useState(form);
  const [issues, setIssues] = useState<FieldIssues>(NO_ISSUES);
  const [failure, setFailure] = useState('');
  const [isOutdated, setIsOutdated] = useState(false);
  const issueOf = useIssueText(issues);
  const isChanged = form !== saved;
  const isNew = stored === null;
  useLeaveWarning(isChanged);

  const settle = () => {
    setIssues(NO_ISSUES);
    setFailure('');
    setIsOutdated(false);
  };
  const refuse = (found: FieldIssues, text: string) => {
    setIssues(found);
    setFailure(text);
    requestAnimationFrame(() => {
      element.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
    });
  };
  const refused = (problem: Problem) => {
    if (problem.code !== 'version_conflict') {
      return refuse(issuesFromServer(problem.errors, rules.fields(form)), explain(problem));
    }
    if (!isNew) {
      setIsOutdated(true);
      return refuse(NO_ISSUES, explain(problem));
    }
    const taken = new IssueList();
    taken.add(rules.naming, 'taken');
    refuse(taken.issues, w.fixFields);
  };
  const { save, held, dismiss, isWorking } = useEntrySave<Kind>((changed) => {
    settle();
    announce(w.savedAs(String(changed.version)));
    const settled = rules.formOf(changed, form, ownZone, lang);
    setStored(changed);
    setForm(settled);
    setSaved(settled);
    if (entry === null) go({ place: 'metering', at: { page: rules.kind, id: nameOf(changed) } });
  }, refused);
  const submit = async (event: Event) => {
    event.preventDefault();
    const found = rules.issues(form, lang);
    if (found.size > 0) return refuse(found, w.fixFields);
    settle();
    const body = rules.bodyOf(form, stored?.version ?? null, lang);
    const id = stored === null ? null : nameOf(stored);
    await save({ kind: rules.kind, id, body }, props.moves?.(body, stored) ?? null);
  };
  const change = (part: Partial<Form>) => setForm({ ...form, ...part });
  const forgetIssues = () => setIssues(NO_ISSUES);
  const hint = props.moves === undefined ? '' : w.saveHint;

  return (
    <>
      <BackLink kind={rules.kind} text={words.back} />
      <form class="panel editor" ref={element} onSubmit={submit} noValidate>
        <h1>{stored === null ? words.fresh : `${words.kind} ${nameOf(stored)}`}</h1>
        {props.fields({ form, issues, stored, change, forgetIssues })}
        <p class="failure" role="alert">
          {`${failure} ${issueOf('')}`.trim()}
        </p>
        {isOutdated && (
          <p>
            <button type="button" onClick={props.onReload}>
              {w.loadNewest}
            </button>
          </p>
        )}
        <div class="buttons editor-buttons">
          <span class="hint">{isChanged && !isNew ? m.formUnsaved : hint}</span>
          {!isNew && (
            <button
              type="button"
              disabled={!isChanged || isWorking}
              onClick={() => {
                setForm(saved);
                settle();
              }}
            >
              {m.formDiscard}
            </button>
          )}
          <button type="submit" class="primary" disabled={isWorking || (!isNew && !isChanged)}>
            {isWorking ? m.working : props.moves === undefined ? m.save : w.checkAndSave}
          </button>
        </div>
      </form>
      {props.below?.(form, stored)}
      {stored !== null && (
        <HistoryPanel kind={rules.kind} id={nameOf(stored)} version={stored.version} />
      )}
      {held !== null && <DifferenceDialog {...held} onClose={dismiss} />}
    </>
  );
}

/** Asks before the tab is closed over what is not saved. */
function useLeaveWarning(isChanged: boolean): void {
  useEffect(() => {
    if (!isChanged) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [isChanged]);
}

function nameOf(entry: EditedEntries[EditedKind]): string {
  return 'id' in entry ? entry.id : entry.sku;
}
