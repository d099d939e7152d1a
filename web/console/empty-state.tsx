/** What a console without polls shows: how it works, and two ways to begin. */
import { useConsole } from './console-context.ts';
import { hrefOf } from './route.ts';

export function EmptyState() {
  const { m } = useConsole();
  return (
    <section class="empty" aria-labelledby="empty-title">
      <h1 id="empty-title">{m.emptyTitle}</h1>
      <p>{m.emptyText}</p>
      <p class="buttons">
        <a class="button primary" href={hrefOf({ place: 'new', isSample: true })}>
          {m.emptyFromSample}
        </a>
        <a class="button" href={hrefOf({ place: 'new', isSample: false })}>
          {m.emptyFromScratch}
        </a>
      </p>
      <h2>{m.emptySteps}</h2>
      <ol class="steps">
        {[m.emptyStep1, m.emptyStep2, m.emptyStep3, m.emptyStep4].map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
    </section>
  );
}
