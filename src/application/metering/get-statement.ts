/** Puts a tenant's statement together from what the rating book holds. */
import { ApuraError } from '../../domain/errors.ts';
import type { Charge } from '../../domain/metering/charge.ts';
import { type Statement, statementOf } from '../../domain/metering/statement.ts';
import type { RatingBook } from '../../ports/rating-book.ts';

export interface StatementDeps {
  readonly book: Pick<RatingBook, 'periods' | 'charges' | 'unpriced'>;
}

const CHARGES_PAGE = 1_000;
/** Charges of one statement, and as many series without a price: about 30 MB. */
export const STATEMENT_LINES_MAX = 20_000;

/**
 * The statement of the tenant's billing period that holds the instant; of all of them where a contract that
 * was changed has left several. Null where there is none.
 *
 * @throws ApuraError `too_many_rows`: it would have more lines than STATEMENT_LINES_MAX; or as the book.
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
    if (charges.length > STATEMENT_LINES_MAX) throw tooLong();
  } while (cursor !== null);
  const unpriced = await book.unpriced({ tenant, from, to }, STATEMENT_LINES_MAX + 1);
  if (unpriced.length > STATEMENT_LINES_MAX) throw tooLong();
  return statementOf({ tenant, from, to, periods, charges, unpriced });
}

function tooLong(): ApuraError {
  return new ApuraError(
    'too_many_rows',
    `A statement has at most ${STATEMENT_LINES_MAX} lines: list the charges of the period by page instead.`,
  );
}
