/** The icon of every page: a ballot's mark, drawn, so that there is no file to lose. */
export const FAVICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="7" fill="#0a7d55"/><path d="M6.5 12.6l3.6 3.7 7.4-8" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/></svg>`;
