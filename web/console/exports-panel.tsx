/** Links that download a poll's data, during and after, and the way to the voter's page. */
import { exportHref, reportHref } from './api-client.ts';
import { useConsole } from './console-context.ts';
import { Icon } from './icon.tsx';
import type { Poll } from './poll.ts';

const EXPORTS = ['results', 'hourly', 'votes'] as const;
const FORMATS = ['csv', 'ndjson'] as const;

export function ExportsPanel({ poll }: { readonly poll: Poll }) {
  const { m, announce } = useConsole();
  const voterPage = `/p/${encodeURIComponent(poll.id)}`;
  const copy = async () => {
    await navigator.clipboard.writeText(new URL(voterPage, location.href).href);
    announce(m.copied);
  };
  return (
    <section class="panel exports" aria-label={m.exports}>
      <header class="panel-head">
        <h2>{m.exports}</h2>
      </header>
      <p class="hint">{m.exportsHint}</p>
      <ul>
        {EXPORTS.map((what) => (
          <li key={what}>
            <span>{m.exportName[what]}</span>
            {FORMATS.map((format) => (
              <a
                key={format}
                class="button quiet"
                href={exportHref(poll.id, what, format)}
                download={`${poll.id}-${what}.${format}`}
                aria-label={`${m.exportName[what]}, ${format.toUpperCase()}`}
              >
                {format.toUpperCase()}
              </a>
            ))}
          </li>
        ))}
        <li>
          <span>{m.report}</span>
          <a
            class="button quiet"
            href={reportHref(poll.id, 'html')}
            target="_blank"
            rel="noopener"
            aria-label={`${m.report}, ${m.reportPage}`}
          >
            {m.reportPage}
          </a>
          <a
            class="button quiet"
            href={reportHref(poll.id, 'csv')}
            download={`${poll.id}-report.csv`}
            aria-label={`${m.report}, CSV`}
          >
            CSV
          </a>
        </li>
        <li>
          <a href={voterPage} target="_blank" rel="noopener">
            {m.voterPage}
          </a>
          {navigator.clipboard !== undefined && (
            <button
              type="button"
              class="quiet icon-only"
              title={m.copyLink}
              aria-label={m.copyLink}
              onClick={() => void copy()}
            >
              <Icon name="link" />
            </button>
          )}
        </li>
      </ul>
    </section>
  );
}
