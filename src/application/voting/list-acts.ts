/** Lists what operators and the clock did, newest first: who opened, closed, changed, exported. */
import type { ActPage, Catalogue } from '../../ports/catalogue.ts';

export const ACTS_PAGE_MAX = 200;

/** Operators only; the edge has checked. `poll` null: of all polls. */
export async function listActs(
  deps: { readonly catalogue: Catalogue },
  input: { readonly poll: string | null; readonly cursor: string | null; readonly limit: number },
): Promise<ActPage> {
  const limit = Math.min(input.limit, ACTS_PAGE_MAX);
  return deps.catalogue.acts(input.poll, input.cursor, limit);
}
