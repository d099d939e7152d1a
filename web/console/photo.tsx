/** An option's picture, or its initials where there is none. */
import type { PollOption } from './poll.ts';

interface PhotoProps {
  readonly option: Pick<PollOption, 'name' | 'imageUrl'>;
  readonly size: number;
}

/** Decorative: the name always stands beside it. */
export function Photo({ option, size }: PhotoProps) {
  if (option.imageUrl !== null) {
    return <img class="photo" src={option.imageUrl} alt="" width={size} height={size} />;
  }
  return (
    <span class="photo initials" aria-hidden="true">
      {initialsOf(option.name)}
    </span>
  );
}

function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined];
  return letters
    .map((word) => [...(word ?? '')][0] ?? '')
    .join('')
    .toUpperCase();
}
