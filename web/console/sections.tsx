/** The parts of the console: polls and metering. In the first line where it is wide enough, else in the drawer. */
import { useConsole } from './console-context.ts';
import { hrefOf } from './route.ts';

interface SectionLinksProps {
  readonly isMetering: boolean;
}

export function SectionLinks({ isMetering }: SectionLinksProps) {
  const { m } = useConsole();
  const current = (isCurrent: boolean) => (isCurrent ? { 'aria-current': 'true' as const } : {});
  return (
    <>
      <a href={hrefOf({ place: 'home' })} {...current(!isMetering)}>
        {m.polls}
      </a>
      <a href={hrefOf({ place: 'metering', at: { page: 'overview' } })} {...current(isMetering)}>
        {m.metering.name}
      </a>
    </>
  );
}
