/** A part that scrolls by itself, and can be reached and scrolled by keyboard too. */
import type { ComponentChildren } from 'preact';

interface ScrollAreaProps {
  readonly label: string;
  readonly children: ComponentChildren;
}

export function ScrollArea({ label, children }: ScrollAreaProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without focus the arrow keys can't scroll it.
    <section class="scroll-area" tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
