/** What voters see of the result, and when: two choices and the sentence that they make. */
import { useConsole } from './console-context.ts';
import { RESULTS_DETAILS, RESULTS_VISIBILITIES } from './poll.ts';
import type { PollForm } from './poll-form.ts';

interface ResultsFieldsProps {
  readonly form: PollForm;
  onChange(form: PollForm): void;
}

export function ResultsFields({ form, onChange }: ResultsFieldsProps) {
  const { m } = useConsole();
  return (
    <fieldset>
      <legend>{m.formResults}</legend>
      <div class="field-row">
        <fieldset class="choices">
          <legend>{m.visibility}</legend>
          {RESULTS_VISIBILITIES.map((visibility) => (
            <label key={visibility} class="check">
              <input
                type="radio"
                name="visibility"
                checked={form.resultsVisibility === visibility}
                onChange={() => onChange({ ...form, resultsVisibility: visibility })}
              />
              {m.visibilityName[visibility]}
            </label>
          ))}
        </fieldset>
        <fieldset class="choices" disabled={form.resultsVisibility === 'never'}>
          <legend>{m.detail}</legend>
          {RESULTS_DETAILS.map((detail) => (
            <label key={detail} class="check">
              <input
                type="radio"
                name="detail"
                checked={form.resultsDetail === detail}
                onChange={() => onChange({ ...form, resultsDetail: detail })}
              />
              {m.detailName[detail]}
            </label>
          ))}
        </fieldset>
      </div>
    </fieldset>
  );
}
