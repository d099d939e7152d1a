/** When a poll opens and closes, in the wall-clock time of its zone. */
import { useConsole } from './console-context.ts';
import { FieldFrame, issueText, noteId } from './field-frame.tsx';
import type { FormIssues, PollForm } from './poll-form.ts';
import { instantOf } from './zoned-time.ts';

/** What every browser can list; those that list none still take a typed name. */
const TIME_ZONES: readonly string[] = Intl.supportedValuesOf?.('timeZone') ?? [];

interface ScheduleFieldsProps {
  readonly form: PollForm;
  readonly issues: FormIssues;
  onChange(form: PollForm): void;
}

export function ScheduleFields({ form, issues, onChange }: ScheduleFieldsProps) {
  const { m } = useConsole();
  const time = (field: 'opensAt' | 'closesAt', name: string, hint: string) => {
    const instant = form[field] === '' ? null : instantOf(form[field], form.timeZone);
    const isAmbiguous = instant?.kind === 'instant' && instant.isAmbiguous;
    return (
      <FieldFrame
        id={field}
        name={name}
        hint={isAmbiguous ? m.formAmbiguous : hint}
        issue={issueText(issues, field, m)}
      >
        <input
          type="datetime-local"
          id={field}
          name={field}
          value={form[field]}
          aria-invalid={issues.has(field)}
          aria-describedby={noteId(field)}
          onInput={(event) => onChange({ ...form, [field]: event.currentTarget.value })}
        />
      </FieldFrame>
    );
  };
  return (
    <fieldset>
      <legend>{m.formSchedule}</legend>
      <div class="field-row">
        {time('opensAt', m.formOpensAt, m.formOpensHint)}
        {time('closesAt', m.formClosesAt, m.formClosesHint)}
        <FieldFrame
          id="timeZone"
          name={m.formTimeZone}
          hint=""
          issue={issueText(issues, 'timeZone', m)}
        >
          <input
            type="text"
            id="timeZone"
            name="timeZone"
            list="time-zones"
            autocomplete="off"
            spellcheck={false}
            value={form.timeZone}
            aria-invalid={issues.has('timeZone')}
            aria-describedby={noteId('timeZone')}
            onInput={(event) => onChange({ ...form, timeZone: event.currentTarget.value })}
          />
        </FieldFrame>
        <datalist id="time-zones">
          {TIME_ZONES.map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
      </div>
    </fieldset>
  );
}
