/** The one order of texts: every store and every model must list the same things in the same order. */

/**
 * By UTF-8 bytes, as databases compare texts without a collation: below, at or above zero as `left`
 * comes before, is or comes after `right`. JavaScript's own `<` goes by UTF-16 units and puts
 * characters outside the basic plane before some inside it.
 */
export function compareTexts(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a !== b) return Number(isSurrogate(a)) - Number(isSurrogate(b)) || a - b;
  }
  return left.length - right.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
