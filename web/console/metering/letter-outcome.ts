/** What has become of many dead letters, request by request: how many, and of those that failed what is shown. */
import type { LetterFailure, LettersResolved } from './metering-api.ts';

export interface LetterOutcome {
  readonly resolved: number;
  readonly failed: number;
  /** The first FAILURES_SHOWN_MAX that failed. */
  readonly shown: readonly LetterFailure[];
}

/** More than these are not read in a dialog. */
export const FAILURES_SHOWN_MAX = 8;

export const NO_OUTCOME: LetterOutcome = { resolved: 0, failed: 0, shown: [] };

export function withAnswer(
  before: LetterOutcome,
  { resolved, failed }: LettersResolved,
): LetterOutcome {
  return {
    resolved: before.resolved + resolved,
    failed: before.failed + failed.length,
    shown: [...before.shown, ...failed].slice(0, FAILURES_SHOWN_MAX),
  };
}
