/** Saves an entry: asks which charges it would move, lets the operator see them, and only then puts it. */
import { useState } from 'preact/hooks';
import { useConsole } from '../console-context.ts';
import type { Problem } from '../sender.ts';
import type { TenantDifference } from './difference-dialog.tsx';
import type { EditedEntries, EditedKind, Validity } from './entries.ts';
import type { TriedEntry } from './metering-api.ts';
import { movedLines } from './moved-lines.ts';

/** Whose charges a change may move. */
export interface ConcernedTenant {
  readonly tenant: string;
  readonly timeZone: string;
}

/** What a change may move. */
export interface Moves {
  /** Validities before and after: charges of neither can't move. */
  readonly validities: readonly Validity[];
  readonly concerned: readonly ConcernedTenant[];
}

/** A change that waits for the operator to have seen what it moves. */
export interface HeldChange {
  readonly differences: readonly TenantDifference[];
  readonly unseen: number;
  perform(): Promise<string>;
}

interface EntrySave<Kind extends EditedKind> {
  readonly isWorking: boolean;
  /** Null while nothing waits. */
  readonly held: HeldChange | null;
  /** Without `moves` no charge can move, and it is put at once. */
  save(tried: TriedEntry<Kind>, moves: Moves | null): Promise<void>;
  dismiss(): void;
}

/** Previews are asked one tenant after another; these are as many as somebody waits for, and reads. */
const TENANTS_MAX = 20;
const DAY_MS = 86_400_000;

export function useEntrySave<Kind extends EditedKind>(
  onSaved: (entry: EditedEntries[Kind]) => void,
  onRefused: (problem: Problem) => void,
): EntrySave<Kind> {
  const { api, explain } = useConsole();
  const [isWorking, setIsWorking] = useState(false);
  const [held, setHeld] = useState<HeldChange | null>(null);

  const put = async (tried: TriedEntry<Kind>): Promise<string> => {
    const outcome = await api.metering.put(tried);
    if (outcome.ok) {
      onSaved(outcome.value);
      return '';
    }
    onRefused(outcome.problem);
    return explain(outcome.problem);
  };
  const preview = async (
    tried: TriedEntry<Kind>,
    { validities, concerned }: Moves,
  ): Promise<HeldChange | Problem> => {
    // Charges end with the billing periods of today, wherever validity ends.
    const to = Date.now() + DAY_MS;
    const from = Math.min(...validities.map(({ validFrom }) => Date.parse(validFrom)));
    const seen = from < to ? concerned.slice(0, TENANTS_MAX) : [];
    const differences: TenantDifference[] = [];
    for (const { tenant, timeZone } of seen) {
      const outcome = await api.metering.preview({ tenant, from, to }, tried);
      if (!outcome.ok) return outcome.problem;
      const difference = outcome.value;
      if (movedLines(difference).length > 0) differences.push({ tenant, timeZone, difference });
    }
    const unseen = from < to ? concerned.length - seen.length : 0;
    return { differences, unseen, perform: () => put(tried) };
  };
  return {
    isWorking,
    held,
    dismiss: () => setHeld(null),
    save: async (tried, moves) => {
      setIsWorking(true);
      const previewed = moves === null ? null : await preview(tried, moves);
      if (previewed === null) await put(tried);
      else if (!('differences' in previewed)) onRefused(previewed);
      else if (previewed.differences.length > 0 || previewed.unseen > 0) setHeld(previewed);
      else await previewed.perform();
      setIsWorking(false);
    },
  };
}
