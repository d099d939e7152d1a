/** One row of the bench's table: what was measured, what it came to, and the goal it is held against. */

export interface Figure {
  readonly what: string;
  readonly measured: string;
  readonly goal: string | null;
  /** Null where there is no goal. */
  readonly met: boolean | null;
}

/** How a kind of number is written. */
export type Format = (value: number) => string;

export const count: Format = (value) => Math.round(value).toLocaleString('en-US');
export const perSecond: Format = (value) => `${count(value)}/s`;
export const milliseconds: Format = (value) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
export const seconds: Format = (value) => `${value.toFixed(1)} s`;
export const ratio: Format = (value) => value.toFixed(3);
export const bytes: Format = (value) => `${value.toFixed(1)} B`;
export const megabytes: Format = (value) => `${(value / 1e6).toFixed(0)} MB`;
export const percent: Format = (value) => `${value.toFixed(0)} %`;

export function noted(what: string, measured: string): Figure {
  return { what, measured, goal: null, met: null };
}

export function atMost(what: string, value: number, limit: number, format: Format): Figure {
  return { what, measured: format(value), goal: `≤ ${format(limit)}`, met: value <= limit };
}

export function atLeast(what: string, value: number, limit: number, format: Format): Figure {
  return { what, measured: format(value), goal: `≥ ${format(limit)}`, met: value >= limit };
}

/** A goal without a number, such as an audit that finds nothing. */
export function required(what: string, measured: string, met: boolean): Figure {
  return { what, measured, goal: 'required', met };
}
