/** Moving a window over time by buttons: what the brush does for those who do not drag. */
export interface Zoom {
  readonly min: number;
  readonly max: number;
}

export type ZoomStep = 'in' | 'out' | 'earlier' | 'later';

/** The narrowest window, s: fewer points than these say nothing. */
const SPAN_MIN_S = 10;

/**
 * The window after a step, within `bounds` (all in seconds); null when it holds everything again, so
 * that the chart follows the present.
 */
export function zoomed(window: Zoom, bounds: Zoom, step: ZoomStep): Zoom | null {
  const span = window.max - window.min;
  const whole = bounds.max - bounds.min;
  if (step === 'earlier' || step === 'later') {
    const by = (step === 'earlier' ? -1 : 1) * span * 0.5;
    return within({ min: window.min + by, max: window.max + by }, bounds);
  }
  const next = step === 'in' ? Math.max(SPAN_MIN_S, span / 2) : span * 2;
  if (next >= whole) return null;
  const middle = (window.min + window.max) / 2;
  // Looking closer at a window that ends now means looking closer at now.
  const max = window.max >= bounds.max ? bounds.max : middle + next / 2;
  return within({ min: max - next, max }, bounds);
}

function within(window: Zoom, bounds: Zoom): Zoom {
  const late = Math.max(0, window.max - bounds.max);
  const shifted = { min: window.min - late, max: window.max - late };
  const early = Math.max(0, bounds.min - shifted.min);
  return { min: shifted.min + early, max: Math.min(bounds.max, shifted.max + early) };
}
