/** Stands where an answer is not there: it is on its way, or went wrong, and that is read out at once. */
import { useConsole } from '../console-context.ts';
import type { Remote } from './use-remote.ts';

export function Absent({ of }: { readonly of: Pick<Remote<unknown>, 'failure'> }) {
  const { m } = useConsole();
  return (
    <p class="none" role={of.failure === '' ? 'status' : 'alert'}>
      {of.failure || m.metering.loading}
    </p>
  );
}
