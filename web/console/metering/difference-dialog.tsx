/** Shows which charges a change moves, and by how much, before it is put. */
import { useConsole } from '../console-context.ts';
import { ScrollArea } from '../scroll-area.tsx';
import { Amount, Moment } from './amounts.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import type { Difference } from './metering.ts';
import { movedLines } from './moved-lines.ts';

export interface TenantDifference {
  readonly tenant: string;
  readonly timeZone: string;
  readonly difference: Difference;
}

interface DifferenceDialogProps {
  readonly differences: readonly TenantDifference[];
  /** Tenants that the change may concern and that were not looked at: there are too many. */
  readonly unseen: number;
  perform(): Promise<string>;
  onClose(): void;
}

/** More lines than these are summed up, not read. */
const LINES_MAX = 200;

export function DifferenceDialog({ differences, unseen, perform, onClose }: DifferenceDialogProps) {
  const { m, f } = useConsole();
  const w = m.metering;
  return (
    <ConfirmDialog
      title={w.differenceTitle}
      confirm={w.saveAndRerate}
      isWide
      perform={perform}
      onClose={onClose}
    >
      <p>{w.differenceText}</p>
      {differences.map(({ tenant, timeZone, difference }) => {
        const moved = movedLines(difference);
        return (
          <section key={tenant} class="difference" aria-label={tenant}>
            <h3>{tenant}</h3>
            <ScrollArea label={w.differenceOf(tenant)}>
              <table class="rows cards">
                <thead>
                  <tr>
                    <th scope="col">{w.sku}</th>
                    <th scope="col">{w.billingPeriod}</th>
                    {[w.before, w.after, w.difference].map((name) => (
                      <th key={name} scope="col" class="num">
                        {name}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {moved.slice(0, LINES_MAX).map((line) => {
                    const charge = line.after ?? line.before;
                    if (charge === null) return null;
                    return (
                      <tr key={`${charge.id} ${line.currency}`}>
                        <th scope="row">
                          {charge.sku}
                          {charge.kind === 'adjustment' && (
                            <span class="mark mark-closing">{w.adjustment}</span>
                          )}
                        </th>
                        <td data-name={w.billingPeriod}>
                          <Moment at={charge.from} timeZone={timeZone} isDay />
                        </td>
                        <td class="num" data-name={w.before}>
                          {line.before === null ? '–' : <Amount text={line.before.rounded} />}
                        </td>
                        <td class="num" data-name={w.after}>
                          {line.after === null ? '–' : <Amount text={line.after.rounded} />}
                        </td>
                        <td class="num" data-name={w.difference}>
                          <Amount text={line.difference} unit={line.currency} isSigned />
                        </td>
                      </tr>
                    );
                  })}
                </tbody>
                <tfoot>
                  {difference.totals.map((total) => (
                    <tr key={total.currency}>
                      <th scope="row" colSpan={2}>
                        {w.total}
                      </th>
                      <td class="num" data-name={w.before}>
                        <Amount text={total.before} />
                      </td>
                      <td class="num" data-name={w.after}>
                        <Amount text={total.after} />
                      </td>
                      <td class="num" data-name={w.difference}>
                        <strong>
                          <Amount text={total.difference} unit={total.currency} isSigned />
                        </strong>
                      </td>
                    </tr>
                  ))}
                </tfoot>
              </table>
            </ScrollArea>
            {moved.length > LINES_MAX && <p class="hint">{w.rowsCut(f.integer(moved.length))}</p>}
            {moved.length < difference.lines.length && (
              <p class="hint">
                {w.differenceSame(f.integer(difference.lines.length - moved.length))}
              </p>
            )}
          </section>
        );
      })}
      {unseen > 0 && <p class="warning-text">{w.differenceUnseen(f.integer(unseen))}</p>}
    </ConfirmDialog>
  );
}
