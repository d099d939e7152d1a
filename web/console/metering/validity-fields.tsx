/** From when to when an entry holds, on the clocks of a zone. */
import { useConsole } from '../console-context.ts';
import { instantOf } from '../zoned-time.ts';
import type { ValidityForm } from './entry-form.ts';
import type { FieldIssues } from './field-issues.ts';
import { TextField } from './fields.tsx';
import { TimeZones } from './time-zones.tsx';

interface ValidityFieldsProps {
  readonly form: ValidityForm;
  readonly issues: FieldIssues;
  readonly zoneHint: string;
  onChange(change: Partial<ValidityForm>): void;
}

export function ValidityFields({ form, issues, zoneHint, onChange }: ValidityFieldsProps) {
  const { m } = useConsole();
  const w = m.metering;
  const time = (field: 'validFrom' | 'validTo', name: string, hint: string) => {
    const instant = form[field] === '' ? null : instantOf(form[field], form.timeZone);
    const isAmbiguous = instant?.kind === 'instant' && instant.isAmbiguous;
    return (
      <TextField
        at={`/${field}`}
        type="datetime-local"
        name={name}
        hint={isAmbiguous ? m.formAmbiguous : hint}
        issues={issues}
        value={form[field]}
        onChange={(value) => onChange({ [field]: value })}
      />
    );
  };
  return (
    <div class="field-row">
      {time('validFrom', w.validFrom, w.validFromHint)}
      {time('validTo', w.validTo, w.validToHint)}
      <TextField
        at="/timeZone"
        name={m.formTimeZone}
        hint={zoneHint}
        issues={issues}
        list="time-zones"
        value={form.timeZone}
        onChange={(timeZone) => onChange({ timeZone })}
      />
      <TimeZones />
    </div>
  );
}
