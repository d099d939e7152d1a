/** The name and its mark: four strokes and the fifth across, as votes are counted by hand. */
export function Brand() {
  return (
    <span class="brand">
      <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
        <path d="M5 4v16M10 4v16M15 4v16M20 4v16" />
        <path class="brand-cross" d="M2 17L23 7" />
      </svg>
      Apura
    </span>
  );
}
