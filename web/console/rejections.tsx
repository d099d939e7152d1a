/** What the doors refused, by reason. */
import { textOf, useConsole } from './console-context.ts';

export function Rejections() {
  const { m, f, live } = useConsole();
  const door = live.ops?.door ?? null;
  const reasons = Object.entries(door?.rejected ?? {})
    .filter(([, count]) => count > 0)
    .sort((a, b) => b[1] - a[1]);
  const most = reasons[0]?.[1] ?? 1;
  return (
    <section class="panel" aria-label={m.rejected}>
      <header class="panel-head">
        <h2>{m.rejected}</h2>
        <p class="hint">{m.sinceStart}</p>
      </header>
      {reasons.length === 0 ? (
        <p class="none">{m.rejectedNone}</p>
      ) : (
        <table class="bars">
          <thead class="sr-only">
            <tr>
              <th scope="col">{m.rejectedReason}</th>
              <th scope="col">{m.count}</th>
            </tr>
          </thead>
          <tbody>
            {reasons.map(([reason, count]) => (
              <tr key={reason}>
                <th scope="row" title={reason}>
                  {textOf(m.reason, reason) ?? reason}
                  <svg
                    class="bar"
                    viewBox="0 0 100 4"
                    preserveAspectRatio="none"
                    aria-hidden="true"
                  >
                    <rect class="bar-fill" width={(count / most) * 100} height="4" />
                  </svg>
                </th>
                <td class="num">{f.integer(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {door !== null && door.unknown > 0 && (
        <p class="hint">{m.unknownAtDoor(f.integer(door.unknown))}</p>
      )}
    </section>
  );
}
