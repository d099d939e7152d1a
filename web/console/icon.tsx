/** The console's few symbols: drawn inline, so that they take the colour of their text. */
const PATHS = {
  open: 'M4 8a4 4 0 1 0 8 0a4 4 0 1 0-8 0',
  pause: 'M5 3.5v9M11 3.5v9',
  resume: 'M5 3l8 5-8 5z',
  close: 'M4 4h8v8H4z',
  publish: 'M8 13V4M4.5 7L8 3.5 11.5 7M3 13h10',
  archive: 'M2.5 4h11v3h-11zM3.5 7v6h9V7M6.5 9.5h3',
  good: 'M3 8.5l3.5 3.5L13 4.5',
  warning: 'M8 3v6M8 12v.5',
  bad: 'M4 4l8 8M12 4l-8 8',
  unknown: 'M5 8h6',
  up: 'M8 12.5v-9M4 7l4-4 4 4',
  down: 'M8 3.5v9M4 9l4 4 4-4',
  flat: 'M3 8h10',
  left: 'M10 3L5 8l5 5',
  right: 'M6 3l5 5-5 5',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  trash: 'M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5',
  menu: 'M2.5 4h11M2.5 8h11M2.5 12h11',
  sun: 'M8 5a3 3 0 1 0 0 6a3 3 0 1 0 0-6M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  screen: 'M2 3.5h12v8H2zM5.5 14h5',
  keyboard: 'M1.5 4h13v8h-13zM4 7h.5M7 7h.5M10 7h.5M12 7h.1M5 9.7h6',
  leave: 'M6 3H3v10h3M7 8h6.5M11 5.5L13.5 8 11 10.5',
  download: 'M8 2.5v8M4.5 7.5L8 11l3.5-3.5M3 13.5h10',
  link: 'M7 9l2-2M6.5 6.5L5 8a2.5 2.5 0 0 0 3.5 3.5L10 10M9.5 9.5L11 8a2.5 2.5 0 0 0-3.5-3.5L6 6',
  picture: 'M2 3h12v10H2zM2 11l3.5-3.5 3 3L11 8l3 3M10.5 5.5h.1',
  clock: 'M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M8 5v3.2l2 1.3',
  draft: 'M3 13l1-3.5 7-7 2.5 2.5-7 7z',
  undo: 'M5.5 3L2.5 6l3 3M3 6h6a4 4 0 0 1 0 8H7',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
