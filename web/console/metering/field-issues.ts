/** What is wrong with a form, by JSON pointer into the body that it becomes: so the server's words find their fields. */
import type { FieldProblem } from '../sender.ts';

export type Issue =
  | 'required'
  | 'not_a_number'
  | 'not_positive'
  | 'not_ascending'
  | 'too_large'
  | 'below_minimum'
  | 'no_such_time'
  | 'no_such_zone'
  | 'not_a_quarter'
  | 'ends_before_begin'
  | 'no_such_currency'
  | 'duplicate'
  | 'taken'
  | 'refused';

export interface FieldIssue {
  readonly issue: Issue;
  /** The server's own words; empty where the page found it. */
  readonly detail: string;
}

export type FieldIssues = ReadonlyMap<string, FieldIssue>;

export const NO_ISSUES: FieldIssues = new Map();

/** Gathers issues; the first one of a field stays. */
export class IssueList {
  readonly #found = new Map<string, FieldIssue>();

  add(pointer: string, issue: Issue, detail = ''): void {
    if (!this.#found.has(pointer)) this.#found.set(pointer, { issue, detail });
  }

  get issues(): FieldIssues {
    return this.#found;
  }
}

/**
 * Puts each refusal at the field that it names, or at the nearest one of `fields` that holds it: the rest
 * stands at the form as a whole, under the empty pointer.
 */
export function issuesFromServer(
  errors: readonly FieldProblem[],
  fields: ReadonlySet<string>,
): FieldIssues {
  const list = new IssueList();
  for (const { pointer, detail } of errors) {
    let at = pointer;
    while (at !== '' && !fields.has(at)) at = at.slice(0, at.lastIndexOf('/'));
    list.add(at, 'refused', at === '' ? `${pointer} ${detail}`.trim() : detail);
  }
  return list.issues;
}
