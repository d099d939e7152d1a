/** The fields of one price: its series, the model with what belongs to it, and what holds for every model. */
import { useConsole } from '../console-context.ts';
import { Icon } from '../icon.tsx';
import { PRICE_MODELS } from './entries.ts';
import type { FieldIssues } from './field-issues.ts';
import { ChoiceField, fieldId, TextField, useIssueText } from './fields.tsx';
import { type PriceForm, TIERS_MAX, withoutTier, withTier, withTierChange } from './price-form.ts';

interface PriceFieldsProps {
  /** The pointer of the price in its body. */
  readonly at: string;
  readonly form: PriceForm;
  readonly currency: string;
  readonly issues: FieldIssues;
  onChange(form: PriceForm): void;
}

export function PriceFields(props: PriceFieldsProps) {
  const { at, form, issues, onChange } = props;
  const { m } = useConsole();
  const w = m.metering;
  const currency = props.currency.trim().toUpperCase();
  const perUnit = (unit: string) => (currency === '' ? '' : `${currency} / ${unit}`);
  const pricedUnit = form.isConverted ? w.convertedUnit : form.unit.trim() || w.unit.toLowerCase();
  const text = (
    field:
      | 'sku'
      | 'unit'
      | 'price'
      | 'unitPrice'
      | 'quantityPerPackage'
      | 'freeUnits'
      | 'minimum'
      | 'maximum'
      | 'discountPercent',
    name: string,
    hint: string,
    isDecimal = true,
  ) => (
    <TextField
      at={`${at}/${field}`}
      name={name}
      hint={hint}
      issues={issues}
      isDecimal={isDecimal}
      {...(field === 'sku' ? { list: 'known-products' } : {})}
      value={form[field]}
      onChange={(value) => onChange({ ...form, [field]: value })}
    />
  );
  return (
    <>
      <div class="field-row">
        {text('sku', w.sku, '', false)}
        {text('unit', w.unit, w.unitHint, false)}
        <ChoiceField
          at={`${at}/model`}
          name={w.model}
          hint={w.modelText[form.model]}
          issues={issues}
          value={form.model}
          choices={PRICE_MODELS.map((model) => [model, w.modelName[model]] as const)}
          onChange={(model) => onChange({ ...form, model })}
        />
      </div>
      {form.model === 'flat' && <div class="field-row">{text('price', w.flatPrice, currency)}</div>}
      {form.model === 'per_unit' && (
        <div class="field-row">{text('unitPrice', w.unitPrice, perUnit(pricedUnit))}</div>
      )}
      {form.model === 'package' && (
        <div class="field-row">
          {text('quantityPerPackage', w.quantityPerPackage, pricedUnit)}
          {text('price', w.packagePrice, currency)}
        </div>
      )}
      {form.model === 'tiered' && <Tiers {...props} currency={currency} unit={pricedUnit} />}
      <details class="more-fields" open={hasMore(form)}>
        <summary>{w.moreFields}</summary>
        <div class="field-row">
          {text('freeUnits', w.freeUnits, w.freeUnitsHint)}
          {text('discountPercent', w.discount, w.discountHint)}
          {text('minimum', w.minimum, w.minimumHint)}
          {text('maximum', w.maximum, w.maximumHint)}
        </div>
        <label class="check">
          <input
            type="checkbox"
            checked={form.isConverted}
            onChange={(event) => onChange({ ...form, isConverted: event.currentTarget.checked })}
          />
          {w.convert}
        </label>
        {form.isConverted && (
          <div class="field-row">
            <ChoiceField
              at={`${at}/conversion/operation`}
              name={w.operation}
              issues={issues}
              value={form.operation}
              choices={[
                ['divide', w.operationName.divide],
                ['multiply', w.operationName.multiply],
              ]}
              onChange={(operation) => onChange({ ...form, operation })}
            />
            <TextField
              at={`${at}/conversion/factor`}
              name={w.factor}
              hint={w.factorHint}
              issues={issues}
              isDecimal
              value={form.factor}
              onChange={(factor) => onChange({ ...form, factor })}
            />
            <TextField
              at={`${at}/conversion/scale`}
              name={w.scale}
              hint={w.scaleHint}
              issues={issues}
              isDecimal
              value={form.scale}
              onChange={(scale) => onChange({ ...form, scale })}
            />
          </div>
        )}
      </details>
    </>
  );
}

interface TiersProps extends PriceFieldsProps {
  readonly unit: string;
}

function Tiers({ at, form, currency, unit, issues, onChange }: TiersProps) {
  const { m } = useConsole();
  const w = m.metering;
  const issueOf = useIssueText(issues);
  const cell = (place: number, field: 'upTo' | 'unitPrice' | 'flatPrice', name: string) => {
    const tier = form.tiers[place];
    if (tier === undefined) return null;
    const pointer = `${at}/tiers/${place}/${field}`;
    const issue = issueOf(pointer);
    const id = fieldId(pointer);
    return (
      <>
        <span class="cell-name" aria-hidden="true">
          {name}
        </span>
        <input
          type="text"
          id={id}
          class="decimal"
          inputMode="decimal"
          autocomplete="off"
          aria-label={w.tierField(name, String(place + 1))}
          aria-invalid={issue !== ''}
          aria-describedby={`${id}-note`}
          value={tier[field]}
          onInput={(event) =>
            onChange(withTierChange(form, tier.key, { [field]: event.currentTarget.value }))
          }
        />
        <span id={`${id}-note`} class="failure">
          {issue}
        </span>
      </>
    );
  };
  const lower = (place: number) => form.tiers[place - 1]?.upTo.trim() || '0';
  return (
    <fieldset class="tiers">
      <legend>{w.tiers}</legend>
      <div class="segments">
        {(['graduated', 'volume'] as const).map((mode) => (
          <label key={mode}>
            <input
              type="radio"
              name={`${at}/tiersMode`}
              checked={form.tiersMode === mode}
              onChange={() => onChange({ ...form, tiersMode: mode })}
            />
            <span>{w.tiersMode[mode]}</span>
          </label>
        ))}
      </div>
      <p class="hint">{w.tiersModeText[form.tiersMode]}</p>
      <table class="tier-table">
        <thead>
          <tr>
            <th scope="col">{w.tier}</th>
            <th scope="col">
              {w.upTo} <span class="unit">{unit}</span>
            </th>
            <th scope="col">
              {w.unitPrice} <span class="unit">{currency}</span>
            </th>
            <th scope="col">
              {w.tierFlat} <span class="unit">{currency}</span>
            </th>
            <th scope="col">
              <span class="sr-only">{m.acts}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {form.tiers.map((tier, place) => (
            <tr key={tier.key}>
              <th scope="row">{place + 1}</th>
              <td>
                {place === form.tiers.length - 1 ? (
                  <span class="hint no-end">{w.above(lower(place))}</span>
                ) : (
                  cell(place, 'upTo', w.upTo)
                )}
              </td>
              <td>{cell(place, 'unitPrice', w.unitPrice)}</td>
              <td>{cell(place, 'flatPrice', w.tierFlat)}</td>
              <td>
                <button
                  type="button"
                  class="quiet icon-only"
                  aria-label={w.removeTier(String(place + 1))}
                  title={w.removeTier(String(place + 1))}
                  disabled={form.tiers.length <= 1}
                  onClick={() => onChange(withoutTier(form, tier.key))}
                >
                  <Icon name="trash" />
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <button
        type="button"
        disabled={form.tiers.length >= TIERS_MAX}
        onClick={() => onChange(withTier(form))}
      >
        <Icon name="plus" />
        {w.addTier}
      </button>
    </fieldset>
  );
}

function hasMore(form: PriceForm): boolean {
  const { freeUnits, discountPercent, minimum, maximum, isConverted } = form;
  return isConverted || [freeUnits, discountPercent, minimum, maximum].some((text) => text !== '');
}
