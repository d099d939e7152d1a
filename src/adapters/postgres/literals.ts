/** Values as the text of a call: what is called and committed in one message can have no parameters. */
import { escapeLiteral } from 'pg';
import type { DeadLetterReport } from '../../domain/metering/dead-letter.ts';
import { retryAt } from '../../domain/metering/dead-letter.ts';
import type { UsageTotal } from '../../domain/metering/usage.ts';
import { numberOf } from './database.ts';
import { numericText } from './numeric.ts';

/** Totals column by column, as the functions of the schema take them. */
export function totalArrays(totals: readonly UsageTotal[]): readonly string[] {
  return [
    arrayOf(
      'bigint',
      totals.map(({ count }) => count),
    ),
    arrayOf(
      'bigint',
      totals.map(({ lastAt }) => lastAt),
    ),
    arrayOf(
      'uuid',
      totals.map(({ lastKey }) => hexOf(lastKey)),
    ),
    arrayOf(
      'numeric',
      totals.map(({ sum }) => numericText(sum)),
    ),
    arrayOf(
      'numeric',
      totals.map(({ min }) => numericText(min)),
    ),
    arrayOf(
      'numeric',
      totals.map(({ max }) => numericText(max)),
    ),
    arrayOf(
      'numeric',
      totals.map(({ last }) => numericText(last)),
    ),
  ];
}

/** Of values that need no quotes. */
export function arrayOf(
  type: 'integer' | 'bigint' | 'uuid' | 'numeric',
  values: readonly (number | string)[],
): string {
  return `'{${values.map((value) => (typeof value === 'number' ? numberOf(value) : value)).join()}}'::${type}[]`;
}

/** Postgres holds no NUL and no half of a surrogate pair; neither may stop a partition. */
export function jsonOf(value: unknown): string {
  const storable = (_: string, part: unknown) =>
    typeof part === 'string' ? part.toWellFormed().replaceAll('\0', '\ufffd') : part;
  return escapeLiteral(JSON.stringify(value, storable));
}

/** Reports as `report_dead_letter` reads them. In one order everywhere, or two steps of the same would deadlock. */
export function lettersOf(reports: readonly DeadLetterReport[]): string {
  return jsonOf(reports.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)).map(letterOf));
}

/** A report as `report_dead_letter` reads it. */
export function letterOf(report: DeadLetterReport): object {
  const { id, queue, bytes, origin, tenant, code, message, failedAt } = report;
  const { logId, partition, offset, index } = origin;
  return {
    ...{ id, queue, bytes: Buffer.from(bytes).toString('base64') },
    ...{ log_id: logId, partition, offset, index },
    ...{ tenant, code, message, failed_at: failedAt, retries: retriesOf(code) },
  };
}

/** How long after its first, second, … failure bytes are tried again, ms. */
function retriesOf(code: string): readonly number[] {
  const retries: number[] = [];
  for (;;) {
    const delay = retryAt(code, retries.length + 1, 0);
    if (delay === null) return retries;
    retries.push(delay);
  }
}

const HEX = /^[0-9a-f]{32}$/;

function hexOf(key: string): string {
  if (!HEX.test(key)) throw new RangeError(`${key} is not the key of a pulse`);
  return key;
}
