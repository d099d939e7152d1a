/** Puts a tenant's statement together from what the rating book holds. */
import type { Charge } from '../../domain/metering/charge.ts';
import { type Statement, statementOf } from '../../domain/metering/statement.ts';
import type { RatingBook } from '../../ports/rating-book.ts';

export interface StatementDeps {
  readonly book: Pick<RatingBook, 'periods' | 'charges' | 'unpriced'>;
}

const CHARGES_PAGE = 1_000;

/**
 * The statement of the tenant's billing period that holds the instant; of all of them where a contract that
 * was changed has left several. Null where there is none. @throws as the book.
 */
export async function getStatement(
  { book }: StatementDeps,
  tenant: string,
  at: number,
): Promise<Statement | null> {
  const periods = await book.periods(tenant, at, at + 1);
  if (periods.length === 0) return null;
  const from = Math.min(...periods.map((period) => period.from));
  const to = Math.max(...periods.map((period) => period.to));
  const charges: Charge[] = [];
  let cursor: string | null = null;
  do {
    const page = await book.charges({ tenant, from, to }, cursor, CHARGES_PAGE);
    charges.push(...page.charges);
    cursor = page.nextCursor;
  } while (cursor !== null);
  const unpriced = await book.unpriced({ tenant, from, to });
  return statementOf({ tenant, from, to, periods, charges, unpriced });
}
