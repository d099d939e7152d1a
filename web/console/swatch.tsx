/** The little square that ties an option's name to its band and line: colour and pattern. */
import { useId } from 'preact/hooks';
import { type OptionLook, PATTERNS, SURFACES, type Theme, TILE_PX } from './palette.ts';

export function Swatch({ look, theme }: { readonly look: OptionLook; readonly theme: Theme }) {
  const id = useId();
  const path = PATTERNS[look.pattern] ?? '';
  return (
    <svg class="swatch" viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
      {path !== '' && (
        <pattern id={id} width={TILE_PX} height={TILE_PX} patternUnits="userSpaceOnUse">
          <path d={path} stroke={SURFACES[theme]} stroke-width="1.6" fill="none" />
        </pattern>
      )}
      <rect width="16" height="16" rx="3.5" fill={look.color} />
      {path !== '' && <rect width="16" height="16" rx="3.5" fill={`url(#${id})`} />}
    </svg>
  );
}
