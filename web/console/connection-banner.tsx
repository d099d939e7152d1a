/** Says loudly what must not be overlooked: no connection, or books that do not agree. */
import { useConsole } from './console-context.ts';
import { Icon } from './icon.tsx';
import { useNow } from './use-now.ts';

export function Banners() {
  const { live } = useConsole();
  return (
    <div class="banners" aria-live="assertive">
      {live.link.phase === 'lost' && <LostBanner retryAt={live.link.retryAt} />}
      {live.ops?.consistency.state === 'different' && <AlarmBanner />}
    </div>
  );
}

function LostBanner({ retryAt }: { readonly retryAt: number }) {
  const { m, f, live, retryNow } = useConsole();
  const now = useNow(1000);
  const waitS = Math.ceil((retryAt - now) / 1000);
  const age = live.heardAt === null ? null : f.age(now - live.heardAt);
  return (
    <div class="banner banner-lost">
      <Icon name="warning" />
      <strong>{m.lostTitle}</strong>
      {/* The seconds that pass are for the eye: read aloud each second they would drown the rest. */}
      <span aria-hidden="true">
        {age !== null && m.lostText(age)}{' '}
        {waitS > 0 ? m.lostRetry(f.integer(waitS)) : m.lostRetrying}
      </span>
      <button type="button" onClick={retryNow}>
        {m.lostRetryNow}
      </button>
    </div>
  );
}

function AlarmBanner() {
  const { m, live } = useConsole();
  return (
    <div class="banner banner-alarm">
      <Icon name="bad" />
      <strong>{m.alarmTitle}</strong>
      <span>
        {m.alarmText} {live.ops?.consistency.detail}
      </span>
    </div>
  );
}
