/** Which of the forms that an answer has the client would rather read. */

/** No client sends more; a longer list is somebody else's. */
const PREFERENCES_MAX = 20;

/**
 * RFC 9110, 12.5.1: of `offered`, best first, the type that Accept gives the most weight; the more
 * exact range says the weight of a type. The first where nothing is accepted, or nothing is said.
 */
export function preferredType<T extends string>(
  accept: string | null,
  offered: readonly [T, ...T[]],
): T {
  const ranges = (accept ?? '').toLowerCase().split(',', PREFERENCES_MAX).map(rangeOf);
  let best: { readonly type: T; readonly weight: number } = { type: offered[0], weight: 0 };
  for (const type of offered) {
    const weight = weightOf(type, ranges);
    if (weight > best.weight) best = { type, weight };
  }
  return best.type;
}

interface MediaRange {
  readonly name: string;
  readonly weight: number;
}

function rangeOf(part: string): MediaRange {
  const [name = '', ...parameters] = part.split(';').map((text) => text.trim());
  const q = parameters.find((text) => text.startsWith('q='));
  const weight = q === undefined ? 1 : Number(q.slice(2));
  return { name, weight: Number.isNaN(weight) ? 0 : weight };
}

function weightOf(type: string, ranges: readonly MediaRange[]): number {
  const kind = type.slice(0, type.indexOf('/'));
  for (const name of [type, `${kind}/*`, '*/*']) {
    const range = ranges.find((each) => each.name === name);
    if (range !== undefined) return range.weight;
  }
  return 0;
}
