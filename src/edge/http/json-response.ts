/** Answers with JSON, and with 304 where the asker has it already. */
import { holdsAlready } from './entity-tag.ts';

const JSON_MEDIA_TYPE = 'application/json';
/** Live state for one reader: kept by nobody. */
const NO_STORE = 'no-store';

/** For `Vary`: what is shown depends on who asks, and these say who. */
export const READER_HEADERS = 'Authorization, Apura-Results-Token, Cookie';

export function jsonResponse(
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': JSON_MEDIA_TYPE, 'cache-control': NO_STORE, ...headers },
  });
}

/** A body with an entity tag: 304 without it where the request names the tag. */
export function taggedJson(
  request: Request,
  body: { readonly json: string; readonly etag: string },
  cacheControl: string,
): Response {
  const headers = {
    'content-type': JSON_MEDIA_TYPE,
    'cache-control': cacheControl,
    etag: body.etag,
    vary: READER_HEADERS,
  };
  if (holdsAlready(request, body.etag)) return new Response(null, { status: 304, headers });
  return new Response(body.json, { headers });
}
