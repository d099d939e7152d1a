/** Whether a client holds already what it asks for. */

/** RFC 9110, 13.1.2: If-None-Match compares weakly, so that a proxy's `W/` does not cost a download. */
export function holdsAlready(request: Request, etag: string): boolean {
  const header = request.headers.get('if-none-match');
  if (header === null) return false;
  const opaque = etag.replace(/^W\//, '');
  return header.split(',').some((candidate) => {
    const tag = candidate.trim();
    return tag === '*' || tag.replace(/^W\//, '') === opaque;
  });
}
