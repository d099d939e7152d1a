/** Which other sites' pages may call the API: the configured origins, and no cookies ever. */

const ALLOWED_METHODS = 'GET, HEAD, POST, PATCH, PUT';
const ALLOWED_HEADERS =
  'Authorization, Content-Type, Idempotency-Key, If-None-Match, Apura-Results-Token';
const EXPOSED_HEADERS = 'Date, ETag, Retry-After';
/** A browser asks again after this long; two hours is the most that any of them keeps. */
const PREFLIGHT_SECONDS = '7200';

export interface Cors {
  /** The answer to a preflight request; null where the request is none. */
  preflight(request: Request): Response | null;
  /** Adds to an answer what the caller's browser needs to see of it. */
  addHeaders(request: Request, headers: Headers): void;
}

/** `origins` as browsers send them: `https://example.com`. */
export function createCors(origins: readonly string[]): Cors {
  const allowed = new Set(origins);

  const addHeaders = (request: Request, headers: Headers): void => {
    if (allowed.size === 0) return;
    // Caches must not give one origin's answer to another, not even the answer without permission.
    if (!/\bOrigin\b/.test(headers.get('vary') ?? '')) headers.append('vary', 'Origin');
    const origin = request.headers.get('origin');
    if (origin === null || !allowed.has(origin)) return;
    headers.set('access-control-allow-origin', origin);
    headers.set('access-control-expose-headers', EXPOSED_HEADERS);
  };

  return {
    preflight(request) {
      const isPreflight =
        request.method === 'OPTIONS' && request.headers.has('access-control-request-method');
      if (!isPreflight) return null;
      const headers = new Headers();
      const origin = request.headers.get('origin');
      if (origin !== null && allowed.has(origin)) {
        headers.set('access-control-allow-methods', ALLOWED_METHODS);
        headers.set('access-control-allow-headers', ALLOWED_HEADERS);
        headers.set('access-control-max-age', PREFLIGHT_SECONDS);
      }
      return new Response(null, { status: 204, headers });
    },
    addHeaders,
  };
}
