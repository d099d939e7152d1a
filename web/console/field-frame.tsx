/** A field's label, and beneath it the hint or what is wrong. */
import type { ComponentChildren } from 'preact';
import type { Messages } from './messages-pt-br.ts';
import type { FormIssues } from './poll-form.ts';

interface FieldFrameProps {
  /** The id of the control among the children, which names `${id}-note` as its description. */
  readonly id: string;
  readonly name: string;
  readonly hint: string;
  /** Empty while nothing is wrong. */
  readonly issue: string;
  readonly children: ComponentChildren;
}

export function FieldFrame({ id, name, hint, issue, children }: FieldFrameProps) {
  return (
    <div class="field">
      <label for={id}>{name}</label>
      {children}
      <span id={noteId(id)} class={issue === '' ? 'hint' : 'failure'}>
        {issue === '' ? hint : issue}
      </span>
    </div>
  );
}

export function noteId(id: string): string {
  return `${id}-note`;
}

/** What is wrong with a field, in words; empty where nothing is. The server's own words come last. */
export function issueText(issues: FormIssues, field: string, m: Messages): string {
  const found = issues.get(field);
  return found === undefined ? '' : `${m.issue[found.issue]} ${found.detail}`.trim();
}
