/** Lets one tab at a time work off the outbox that all tabs of a poll share. */

/**
 * A tab that is frozen may hold the lock for long. After so many refusals in a row the others go on without
 * it: the votes carry the same keys whoever sends them.
 */
const REFUSALS_MAX = 15;

/** Runs `work` unless another tab holds the lock of that name now; says whether it ran. */
export function createTabLock(name: string): (work: () => Promise<void>) => Promise<boolean> {
  let refusals = 0;
  return async (work) => {
    // Only pages of secure origins have locks.
    const locks: LockManager | undefined = navigator.locks;
    if (locks === undefined || refusals >= REFUSALS_MAX) {
      refusals = 0;
      await work();
      return true;
    }
    const ran = await locks.request(name, { ifAvailable: true }, async (lock) => {
      if (lock === null) return false;
      await work();
      return true;
    });
    refusals = ran ? 0 : refusals + 1;
    return ran;
  };
}
