/** The bar fits the terminal and stays away from what is not one. */
import { expect, test } from 'bun:test';
import { recordingIo } from '../../../test/support/recording-io.ts';
import { ProgressBar, progressLine } from './progress-bar.ts';

test('a line shows its share and never wraps', () => {
  expect(progressLine(0.5, 'half', 40)).toBe('[████████████░░░░░░░░░░░░]  50%  half');
  expect(progressLine(0, 'none', 40)).toContain('[░░░░░░░░░░░░░░░░░░░░░░░░]   0%');
  expect(progressLine(7, 'more', 40)).toContain('100%');
  expect(progressLine(0.5, 'x'.repeat(200), 60).length).toBeLessThan(60);
});

test('nothing is drawn where nobody watches', () => {
  const io = recordingIo();
  new ProgressBar(io, () => ({ share: 1, words: '' }))[Symbol.dispose]();
  expect(io.err).toBe('');
});
