/** Makes ids that people can read out of the names that they gave. */
import { SLUG_LENGTH_MAX } from './poll.ts';

/** The name as a slug: `Ana Júlia` → `ana-julia`. Empty where no Latin letter or digit is in it. */
export function slugOf(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, SLUG_LENGTH_MAX)
    .replace(/^-|-$/g, '');
}

/** A slug for the name that is not in `taken`: numbered where the plain one is, or is empty. */
export function uniqueSlug(name: string, position: number, taken: ReadonlySet<string>): string {
  const plain = slugOf(name) || `option-${position}`;
  let slug = plain;
  for (let number = 2; taken.has(slug); number += 1) {
    const suffix = `-${number}`;
    slug = plain.slice(0, SLUG_LENGTH_MAX - suffix.length) + suffix;
  }
  return slug;
}
