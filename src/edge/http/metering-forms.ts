/** In which form an answer of the metering API is written: as the query says, else as Accept prefers. */
import { preferredType } from './media-type.ts';

export type Form = 'json' | 'csv' | 'html';

const TYPES = { json: 'application/json', csv: 'text/csv', html: 'text/html' } as const;

/** Both of these say who and what the answer is for. */
export const VARY = 'Accept, Accept-Language, Authorization, Cookie';

const CSV_HEADERS = {
  'content-type': 'text/csv; charset=utf-8; header=present',
  'cache-control': 'no-store',
  vary: VARY,
} as const;

export function formOf<Offered extends Form>(
  request: Request,
  offered: readonly [Offered, ...Offered[]],
): Offered {
  const [first, ...others] = offered;
  const types = [TYPES[first], ...others.map((form) => TYPES[form])] as const;
  const type = preferredType(request.headers.get('accept'), types);
  return offered.find((form) => TYPES[form] === type) ?? first;
}

/** `filename` has no character that a header could not hold. */
export function csvResponse(body: string | ReadableStream<Uint8Array>, filename: string): Response {
  return new Response(body, {
    headers: { ...CSV_HEADERS, 'content-disposition': `attachment; filename="${filename}"` },
  });
}
