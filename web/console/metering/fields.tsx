/** Fields of the metering forms, each with its note: what it is for, or what is wrong with it. */
import type { ComponentChildren } from 'preact';
import { useConsole } from '../console-context.ts';
import { FieldFrame, noteId } from '../field-frame.tsx';
import type { FieldIssues } from './field-issues.ts';

interface FieldProps {
  /** The pointer of the field in the body: what its issues are filed under. */
  readonly at: string;
  readonly name: string;
  readonly hint?: string;
  readonly issues: FieldIssues;
  readonly value: string;
  readonly isDisabled?: boolean;
  onChange(value: string): void;
}

/** The id of a field's control. */
export function fieldId(at: string): string {
  return `field${at.replaceAll('/', '-')}`;
}

export function useIssueText(issues: FieldIssues): (at: string) => string {
  const { m } = useConsole();
  return (at) => {
    const found = issues.get(at);
    return found === undefined ? '' : `${m.metering.issue[found.issue]} ${found.detail}`.trim();
  };
}

interface TextFieldProps extends FieldProps {
  readonly type?: 'text' | 'datetime-local' | 'date';
  /** The id of a datalist. */
  readonly list?: string;
  readonly isDecimal?: boolean;
  readonly placeholder?: string;
}

export function TextField(props: TextFieldProps) {
  const { at, name, hint = '', issues, value, type = 'text', isDecimal = false } = props;
  const id = fieldId(at);
  const issue = useIssueText(issues)(at);
  return (
    <FieldFrame id={id} name={name} hint={hint} issue={issue}>
      <input
        type={type}
        id={id}
        class={isDecimal ? 'decimal' : undefined}
        autocomplete="off"
        spellcheck={false}
        value={value}
        disabled={props.isDisabled === true}
        aria-invalid={issue !== ''}
        aria-describedby={noteId(id)}
        {...(isDecimal ? { inputMode: 'decimal' as const } : {})}
        {...(props.list === undefined ? {} : { list: props.list })}
        {...(props.placeholder === undefined ? {} : { placeholder: props.placeholder })}
        {...(type === 'datetime-local' ? { step: 900 } : {})}
        onInput={(event) => props.onChange(event.currentTarget.value)}
      />
    </FieldFrame>
  );
}

interface ChoiceFieldProps<T extends string> extends Omit<FieldProps, 'value' | 'onChange'> {
  readonly value: T;
  readonly choices: readonly (readonly [T, string])[];
  onChange(value: T): void;
}

export function ChoiceField<T extends string>(props: ChoiceFieldProps<T>) {
  const { at, name, hint = '', issues, value, choices } = props;
  const id = fieldId(at);
  const issue = useIssueText(issues)(at);
  return (
    <FieldFrame id={id} name={name} hint={hint} issue={issue}>
      <select
        id={id}
        value={value}
        aria-describedby={noteId(id)}
        onChange={(event) => {
          const chosen = choices.find(([choice]) => choice === event.currentTarget.value);
          if (chosen !== undefined) props.onChange(chosen[0]);
        }}
      >
        {choices.map(([choice, words]) => (
          <option key={choice} value={choice}>
            {words}
          </option>
        ))}
      </select>
    </FieldFrame>
  );
}

interface PanelProps {
  readonly name: string;
  readonly tools?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A panel with its heading, and its tools on the right of it. */
export function Panel({ name, tools, children }: PanelProps) {
  return (
    <section class="panel" aria-label={name}>
      <header class="panel-head">
        <h2>{name}</h2>
        {tools !== undefined && <span class="tools">{tools}</span>}
      </header>
      {children}
    </section>
  );
}
