/** A vote from a page without script: a plain form in, a page out that says what became of it. */
import type { Notice } from '../../../web/vote/page-model.ts';
import type { Results } from '../../../web/vote/poll.ts';
import { idWords, parseUuidV7 } from '../../domain/counting/event-id.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import type { FormVoteOutcome, PagesDeps } from './api-deps.ts';
import { noticeResponse } from './html-response.ts';
import { isSameHost } from './operators.ts';
import { pollJson } from './poll-json.ts';
import { PROBLEMS, type PublicErrorCode } from './problems.ts';
import { readBytes } from './request-body.ts';

const FORM_BYTES_MAX = 1_024;
const FORM_TYPE = 'application/x-www-form-urlencoded';

interface FormVote {
  readonly option: string;
  /** The UUIDv7 that the page was given. */
  readonly key: string;
}

export async function answerFormVote(
  deps: PagesDeps,
  request: Request,
  poll: Poll,
): Promise<Response> {
  const vote = await readFormVote(request);
  if (typeof vote === 'string') return refused(deps, request, poll, vote);
  const outcome = await castOnce(deps, poll.id, vote);
  switch (outcome.kind) {
    case 'accepted':
      return accepted(deps, request, poll, vote.option, outcome.id);
    case 'refused':
      return refused(deps, request, poll, outcome.code);
    case 'unknown': {
      const { option, key } = vote;
      const notice: Notice = { kind: 'vote_uncertain', poll: pollJson(poll), option, key };
      return answer(deps, request, notice, 'outcome_unknown');
    }
  }
}

/**
 * Casts the vote under its page's key. A page that lay open for long has a key too old to be sent: if it
 * was sent before, its receipt says so; if not, the reader goes back for a page with a new one.
 */
async function castOnce(deps: PagesDeps, poll: string, vote: FormVote): Promise<FormVoteOutcome> {
  const outcome = await deps.castVote(poll, vote.option, vote.key);
  if (outcome.kind !== 'refused' || outcome.code !== 'id_expired') return outcome;
  const asked = await deps.useCases.getReceipt({ poll, id: vote.key });
  const status = asked.kind === 'ok' ? asked.receipt.status : null;
  const isCounted = status === 'counted' || status === 'duplicate';
  return isCounted ? { kind: 'accepted', id: vote.key } : outcome;
}

async function readFormVote(request: Request): Promise<FormVote | PublicErrorCode> {
  const isForeign = request.headers.has('origin') && !isSameHost(request);
  if (isForeign) return 'forbidden';
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== FORM_TYPE) return 'unsupported_media_type';
  const body = await readBytes(request, FORM_BYTES_MAX);
  if (body.kind === 'refused') return 'body_too_large';
  const form = new URLSearchParams(new TextDecoder().decode(body.value));
  for (const name of form.keys()) {
    if (name !== 'option' && name !== 'key') return 'unknown_field';
  }
  const [option, ...otherOptions] = form.getAll('option');
  const [key, ...otherKeys] = form.getAll('key');
  if (option === undefined || otherOptions.length + otherKeys.length > 0) return 'invalid_body';
  if (key === undefined || !parseUuidV7(key, idWords())) return 'invalid_idempotency_key';
  return { option, key };
}

function accepted(
  deps: PagesDeps,
  request: Request,
  poll: Poll,
  option: string,
  receipt: string,
): Response {
  // Whoever has voted may see what a vote opens.
  const results = deps.results.results(poll.id, 'voter');
  const notice: Notice = {
    kind: 'vote_accepted',
    poll: pollJson(poll),
    option,
    receipt,
    results: results === null ? null : (JSON.parse(results.json) as Results),
  };
  return answer(deps, request, notice, null);
}

function refused(deps: PagesDeps, request: Request, poll: Poll, code: PublicErrorCode): Response {
  return answer(deps, request, { kind: 'vote_refused', poll: pollJson(poll), code }, code);
}

function answer(
  deps: PagesDeps,
  request: Request,
  notice: Notice,
  code: PublicErrorCode | null,
): Response {
  const where = { assets: deps.assets, now: deps.reading.clock.now() };
  if (code === null) return noticeResponse(where, request, notice);
  const { status, retryAfterSeconds } = PROBLEMS[code];
  const headers: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  return noticeResponse(where, request, notice, { status, headers });
}
