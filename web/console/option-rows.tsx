/** The options of a draft as rows: picture, name, place. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useConsole } from './console-context.ts';
import { issueText } from './field-frame.tsx';
import { Icon, type IconName } from './icon.tsx';
import { Photo } from './photo.tsx';
import { drawCover, preparePicture } from './picture.ts';
import { OPTIONS_MAX, OPTIONS_MIN } from './poll.ts';
import {
  type FormIssues,
  NAME_LENGTH_MAX,
  type OptionField,
  type PollForm,
  withOption,
  withOptionChange,
  withOptionMoved,
  withoutOption,
} from './poll-form.ts';

interface OptionRowsProps {
  readonly form: PollForm;
  readonly issues: FormIssues;
  onChange(form: PollForm): void;
}

export function OptionRows({ form, issues, onChange }: OptionRowsProps) {
  const { m } = useConsole();
  const list = useRef<HTMLOListElement>(null);
  const add = () => {
    onChange(withOption(form));
    requestAnimationFrame(() => {
      list.current?.querySelector<HTMLInputElement>('li:last-child input[type=text]')?.focus();
    });
  };
  return (
    <fieldset class="options-field">
      <legend>{m.formOptions}</legend>
      <p class="hint">{m.formOptionsHint}</p>
      <ol ref={list}>
        {form.options.map((option, i) => (
          <OptionRow
            key={option.key}
            option={option}
            place={i + 1}
            form={form}
            issues={issues}
            onChange={onChange}
          />
        ))}
      </ol>
      <button type="button" onClick={add} disabled={form.options.length >= OPTIONS_MAX}>
        <Icon name="plus" />
        {m.formAddOption}
      </button>
    </fieldset>
  );
}

interface OptionRowProps {
  readonly option: OptionField;
  /** From 1. */
  readonly place: number;
  readonly form: PollForm;
  readonly issues: FormIssues;
  onChange(form: PollForm): void;
}

function OptionRow({ option, place, form, issues, onChange }: OptionRowProps) {
  const { m } = useConsole();
  const label = m.formOptionName(String(place));
  const name = option.name.trim() === '' ? label : option.name;
  const field = `options.${option.key}`;
  const issueId = `option-issue-${option.key}`;
  const move = (icon: IconName, by: -1 | 1, text: string, isEdge: boolean) => (
    <button
      type="button"
      class="quiet icon-only"
      title={text}
      aria-label={text}
      disabled={isEdge}
      onClick={() => onChange(withOptionMoved(form, option.key, by))}
    >
      <Icon name={icon} />
    </button>
  );
  return (
    <li>
      <PictureField
        option={option}
        onPicture={(picture) => onChange(withOptionChange(form, option.key, { picture }))}
      />
      <span class="grow">
        <input
          type="text"
          aria-label={label}
          placeholder={label}
          maxLength={NAME_LENGTH_MAX}
          value={option.name}
          aria-invalid={issues.has(field)}
          aria-describedby={issueId}
          onInput={(event) =>
            onChange(withOptionChange(form, option.key, { name: event.currentTarget.value }))
          }
        />
        <span class="failure" id={issueId}>
          {issueText(issues, field, m)}
        </span>
      </span>
      {move('up', -1, m.formMoveUp(name), place === 1)}
      {move('down', 1, m.formMoveDown(name), place === form.options.length)}
      <button
        type="button"
        class="quiet icon-only"
        title={m.formRemoveOption(name)}
        aria-label={m.formRemoveOption(name)}
        disabled={form.options.length <= OPTIONS_MIN}
        onClick={() => onChange(withoutOption(form, option.key))}
      >
        <Icon name="trash" />
      </button>
    </li>
  );
}

interface PictureFieldProps {
  readonly option: OptionField;
  onPicture(picture: Blob): void;
}

function PictureField({ option, onPicture }: PictureFieldProps) {
  const { m, announce } = useConsole();
  const [isWorking, setIsWorking] = useState(false);
  const preview = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (option.picture !== null && preview.current !== null) {
      void drawCover(preview.current, option.picture);
    }
  }, [option.picture]);

  const choose = async (files: FileList | null) => {
    const file = files?.[0];
    if (file === undefined) return;
    setIsWorking(true);
    const picture = await preparePicture(file);
    setIsWorking(false);
    if (picture === null) announce(m.formPictureBad);
    else onPicture(picture);
  };

  const name = option.name.trim() === '' ? '?' : option.name;
  return (
    <label class={`picture${isWorking ? ' is-working' : ''}`} title={m.formPictureHint}>
      {option.picture !== null ? (
        <span aria-hidden="true">
          <canvas ref={preview} class="photo" width={96} height={96} />
        </span>
      ) : option.imageUrl !== null || option.name.trim() !== '' ? (
        <Photo option={option} size={44} />
      ) : (
        <span class="photo initials" aria-hidden="true">
          <Icon name="picture" />
        </span>
      )}
      <input
        type="file"
        class="sr-only"
        accept="image/png,image/jpeg,image/webp"
        aria-label={m.formPicture(name)}
        onChange={(event) => void choose(event.currentTarget.files)}
      />
    </label>
  );
}
