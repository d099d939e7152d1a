/** Of a new reckoning: the lines that cost more or less than before, apart from those that only come about otherwise. */
import { compareDecimals } from './decimal-text.ts';
import type { ChangedLine, Difference } from './metering.ts';

export function movedLines({ lines }: Difference): readonly ChangedLine[] {
  return lines.filter(({ difference }) => compareDecimals(difference, '0') !== 0);
}
