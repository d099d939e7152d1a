/** What differs between two versions of an entry, member by member. */

export interface MemberChange {
  readonly name: string;
  /** As JSON texts without quotes; empty where there was none. */
  readonly before: string;
  readonly after: string;
}

/** Members that every version has anew. */
const OWN_TO_VERSIONS: ReadonlySet<string> = new Set(['version', 'createdAt']);

/** In the order of the newer one; lists of prices by their sku and unit, so that one change is one line. */
export function changedMembers(before: object, after: object): readonly MemberChange[] {
  const old = membersOf(before);
  const now = membersOf(after);
  const names = new Set([...now.keys(), ...old.keys()]);
  return [...names].flatMap((name) => {
    const [was = '', is = ''] = [old.get(name), now.get(name)];
    return was === is ? [] : [{ name, before: was, after: is }];
  });
}

function membersOf(entry: object): ReadonlyMap<string, string> {
  const members = Object.entries(entry).filter(([name]) => !OWN_TO_VERSIONS.has(name));
  return new Map(
    members.flatMap(([name, value]): readonly (readonly [string, string])[] =>
      name === 'prices' && Array.isArray(value)
        ? value.map((price: { sku: string; unit: string }) => [
            `${price.sku} (${price.unit})`,
            textOf(price),
          ])
        : [[name, textOf(value)]],
    ),
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
