/** Lays rows out in columns for a terminal, and keeps what others wrote from steering it. */

/** Text of others on a terminal: a control character in a title must not move the cursor. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}/gu, '\ufffd');
}

/** How many columns the text takes, by characters. */
export function widthOf(text: string): number {
  return [...text].length;
}

/** The text in exactly `width` columns: padded, or cut with an ellipsis. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const missing = width - widthOf(text);
  if (missing < 0) return width < 1 ? '' : `${[...text].slice(0, width - 1).join('')}…`;
  return align === 'left' ? text + ' '.repeat(missing) : ' '.repeat(missing) + text;
}

/** Rows under their heads, two spaces apart; columns that `right` names are numbers. */
export function textTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
): string {
  const lines = [heads, ...rows].map((row) => row.map(printable));
  const widths = heads.map((_, column) =>
    Math.max(...lines.map((row) => widthOf(row[column] ?? ''))),
  );
  const write = (row: readonly string[]) =>
    heads
      .map((head, column) => {
        const align = right.includes(head) ? 'right' : 'left';
        return fit(row[column] ?? '', widths[column] ?? 0, align);
      })
      .join('  ')
      .trimEnd();
  return `${lines.map(write).join('\n')}\n`;
}
