/** What the accounts of one partition were found to say, and what keeps them from being compared. */
import type { Difference } from './compare-counts.ts';
import type { Account, AccountDifference } from './sync-report.ts';

interface Finding {
  readonly differences: readonly Difference[];
  /** Since when there are differences, by the monotonic clock; null without. */
  readonly since: number | null;
  /** Why the newest try compared nothing; null where it did. */
  readonly wait: string | null;
}

const NEW: Finding = { differences: [], since: null, wait: 'not compared yet' };

export class AccountFindings {
  readonly #findings = new Map<Account, Finding>([
    ['tally', NEW],
    ['ledger windows', NEW],
    ['ledger rows', NEW],
  ]);

  /** The account was compared at `now`, by the monotonic clock. */
  found(account: Account, differences: readonly Difference[], now: number): void {
    const since = this.#findings.get(account)?.since ?? now;
    const finding = { differences, since: differences.length === 0 ? null : since, wait: null };
    this.#findings.set(account, finding);
  }

  /** The account could not be compared: what was last found of it stands. */
  wait(account: Account, why: string): void {
    this.#findings.set(account, { ...(this.#findings.get(account) ?? NEW), wait: why });
  }

  /** The account is being filled anew: what was found of its earlier content is of no use. */
  restart(account: Account, why: string): void {
    this.#findings.set(account, { ...NEW, wait: why });
  }

  get differences(): readonly AccountDifference[] {
    return [...this.#findings].flatMap(([account, { differences }]) =>
      differences.map((difference) => ({ ...difference, account })),
    );
  }

  /** Why accounts were not compared: `tally: …`. */
  get waits(): readonly string[] {
    return [...this.#findings].flatMap(([account, { wait }]) =>
      wait === null ? [] : `${account}: ${wait}`,
    );
  }

  /** For how long each account has differed, ms. */
  differing(now: number): readonly { readonly account: Account; readonly forMs: number }[] {
    return [...this.#findings].flatMap(([account, { since }]) =>
      since === null ? [] : { account, forMs: now - since },
    );
  }
}
