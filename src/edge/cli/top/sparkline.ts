/** A curve in one line of text. */
const LEVELS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** One character a value, the last `width` of them, scaled to the greatest; any value above 0 shows. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const greatest = Math.max(...shown, 0);
  return shown
    .map((value) => LEVELS[value <= 0 ? 0 : Math.max(1, Math.round((value / greatest) * 8))])
    .join('')
    .padStart(width);
}

/** A bar of `width` characters, filled by `share` (0 … 1) to the eighth of a character. */
export function shareBar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const full = '█'.repeat(Math.floor(eighths / 8));
  const rest = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8] ?? '';
  return (full + rest).padEnd(width);
}
