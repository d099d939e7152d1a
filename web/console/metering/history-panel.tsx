/** Every version that an entry has had, newest first, and what differs from the one before. */
import { textOf, useConsole } from '../console-context.ts';
import type { Messages } from '../messages-pt-br.ts';
import { Absent } from './absent.tsx';
import { Moment } from './amounts.tsx';
import type { EditedKind } from './entries.ts';
import { changedMembers } from './entry-changes.ts';
import { Panel } from './fields.tsx';
import { useRemote } from './use-remote.ts';

interface HistoryPanelProps {
  readonly kind: EditedKind;
  readonly id: string;
  /** The newest one: the history is asked anew when it rises. */
  readonly version: number;
}

export function HistoryPanel({ kind, id, version }: HistoryPanelProps) {
  const { m, api } = useConsole();
  const w = m.metering;
  const history = useRemote(`${kind} ${id} ${version}`, () => api.metering.history(kind, id));
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const versions = history.value ?? [];
  const nameOf = (member: string) => textOf(memberNames(m), member) ?? member;
  return (
    <Panel name={w.history}>
      {versions.length === 0 ? (
        <Absent of={history} />
      ) : (
        <ol class="history">
          {versions.map((entry, i) => {
            const before = versions[i + 1];
            const changes = before === undefined ? [] : changedMembers(before, entry);
            return (
              <li key={entry.version}>
                <details>
                  <summary>
                    <strong>{w.versionOf(String(entry.version))}</strong>{' '}
                    {before === undefined ? (
                      <>
                        {w.created.toLowerCase()}{' '}
                        <Moment at={entry.createdAt} timeZone={timeZone} />
                      </>
                    ) : (
                      <span class="hint">
                        {w.changed(changes.map(({ name }) => nameOf(name)).join(', ') || '–')}
                      </span>
                    )}
                  </summary>
                  {changes.length === 0 ? (
                    <pre class="bytes">{JSON.stringify(entry, null, 2)}</pre>
                  ) : (
                    <dl class="pairs">
                      {changes.map((change) => (
                        <div key={change.name}>
                          <dt>{nameOf(change.name)}</dt>
                          <dd>
                            <del>{change.before}</del>
                            <ins>{change.after}</ins>
                          </dd>
                        </div>
                      ))}
                    </dl>
                  )}
                </details>
              </li>
            );
          })}
        </ol>
      )}
    </Panel>
  );
}

/** Members in the words of their fields; whatever is told in another unit than it is typed keeps its own name. */
function memberNames(m: Messages): Readonly<Record<string, string>> {
  const w = m.metering;
  return {
    tenant: w.tenant,
    sku: w.sku,
    unit: w.unit,
    name: w.productName,
    amount: w.amount,
    currency: w.currency,
    timeZone: m.formTimeZone,
    validFrom: w.validFrom,
    validTo: w.validTo,
    model: w.model,
    price: w.price,
    unitPrice: w.unitPrice,
    quantityPerPackage: w.quantityPerPackage,
    tiers: w.tiers,
    freeUnits: w.freeUnits,
    minimum: w.minimum,
    maximum: w.maximum,
    discountPercent: w.discount,
  };
}
