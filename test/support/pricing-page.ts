/** Reads docs/metering/pricing.md as data: its examples, for the tests that hold each of them against what is reckoned. */
import { readFileSync } from 'node:fs';

/** A line of a table: its cells by the names of their columns. */
export type Row = Readonly<Record<string, string>>;

export interface Example {
  /** The word behind `json`: `price`, `rating`, `days` or `adjustments`. */
  readonly kind: string;
  /** The heading above it. */
  readonly title: string;
  readonly body: unknown;
  /** Those up to the next example. */
  readonly tables: readonly (readonly Row[])[];
}

/** The page as it stands. */
export const PRICING_PAGE = readFileSync(
  new URL('../../docs/metering/pricing.md', import.meta.url),
  'utf8',
);

/** Blocks of JSON that say what kind of example they are, each with the tables up to the next. */
export function examplesOf(text: string): readonly Example[] {
  let title = '';
  return text
    .split(/^```json /m)
    .map((part, index): Example => {
      const before = title;
      title =
        part
          .match(/^#+ .*$/gm)
          ?.at(-1)
          ?.replace(/^#+ /, '') ?? title;
      if (index === 0) return { kind: '', title: '', body: null, tables: [] };
      const [, kind = '', body = '', rest = ''] =
        /^(\w+)\n([\s\S]*?)\n```\n([\s\S]*)$/.exec(part) ?? [];
      return { kind, title: before, body: JSON.parse(body), tables: tablesOf(rest) };
    })
    .slice(1);
}

function tablesOf(text: string): readonly (readonly Row[])[] {
  return [...text.matchAll(/(?:^\|.*\n?)+/gm)].map(([table]) => {
    const [names = [], , ...rows] = table
      .trim()
      .split('\n')
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    return rows.map((cells) =>
      Object.fromEntries(names.map((name, column) => [name, cells[column] ?? ''])),
    );
  });
}
