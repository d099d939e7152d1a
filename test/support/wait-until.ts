/** Waits for a condition, never for a time: asks again until it holds, and says what was missing. */

const ASK_AGAIN_MS = 20;
/** Generous: a busy machine is slow, and no test is about how slow. */
const PATIENCE_MS = 60_000;

/**
 * Resolves to the first value of `probe` that is neither null, undefined nor false.
 *
 * @throws when there was none in `patienceMs`: what was awaited, and what `probe` threw last.
 */
export async function waitUntil<T>(
  what: string,
  probe: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  patienceMs: number = PATIENCE_MS,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== null && value !== undefined && value !== false) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`Not within ${patienceMs} ms: ${what}`, { cause });
    }
    await Bun.sleep(ASK_AGAIN_MS);
  }
}
