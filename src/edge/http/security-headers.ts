/** The headers that every answer carries, whoever asked and whatever for. */

/** Pages run our own scripts, in no frame, and ask nobody else for anything. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "base-uri 'none'",
  "object-src 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'cross-origin-opener-policy': 'same-origin',
};

/** Adds the headers to an answer that does not bring its own. */
export function addSecurityHeaders(headers: Headers): void {
  for (const name in SECURITY_HEADERS) {
    if (!headers.has(name)) headers.set(name, SECURITY_HEADERS[name] ?? '');
  }
}
