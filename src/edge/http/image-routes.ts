/** Pictures over HTTP: given to an option by operators, served under their digest for good. */
import { IMAGE_BYTES_MAX } from '../../domain/voting/image.ts';
import type { ApiDeps } from './api-deps.ts';
import { holdsAlready } from './entity-tag.ts';
import { OPERATOR_ACTOR } from './operators.ts';
import { changeAnswer, pollIdOf } from './poll-answers.ts';
import { problem } from './problems.ts';
import { readBytes } from './request-body.ts';
import {
  jsonContent,
  OPERATOR_PROBLEMS,
  OPERATOR_SECURITY,
  problemResponses,
  type Route,
} from './route.ts';
import { pathImage, pathOption, pollSchema } from './schemas.ts';

const MEDIA_TYPES = ['image/png', 'image/jpeg', 'image/webp'] as const;
const BINARY = Object.fromEntries(
  MEDIA_TYPES.map((type) => [
    type,
    { schema: { type: 'string' as const, contentMediaType: type, maxLength: IMAGE_BYTES_MAX } },
  ]),
);

/** The name is the digest of the bytes, so a cache may keep them for good. */
const IMMUTABLE = 'public, max-age=31536000, immutable';

export function imageRoutes(deps: ApiDeps): readonly Route[] {
  return [putRoute(deps), getRoute(deps)];
}

function putRoute(deps: ApiDeps): Route {
  return {
    access: 'operator',
    doc: {
      method: 'put',
      path: '/v1/polls/{poll}/options/{option}/image',
      tags: ['Polls'],
      operationId: 'putOptionImage',
      summary: 'Give an option its picture, before the poll opens',
      description: 'PNG, JPEG or WebP, at most 1 MiB, told by the bytes and not by the type named.',
      security: OPERATOR_SECURITY,
      request: { params: pathOption, body: { required: true, content: BINARY } },
      responses: {
        200: jsonContent('The poll with the picture’s path.', pollSchema),
        ...problemResponses(
          'body_too_large',
          'unsupported_media_type',
          'invalid_image',
          'poll_not_found',
          'not_found',
          'poll_state',
          'version_conflict',
          ...OPERATOR_PROBLEMS,
        ),
      },
    },
    async handle(context) {
      const request = context.req.raw;
      const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
      if (!MEDIA_TYPES.some((known) => known === type)) {
        return problem('unsupported_media_type', `Send ${MEDIA_TYPES.join(', ')}.`);
      }
      const body = await readBytes(request, IMAGE_BYTES_MAX);
      if (body.kind === 'refused') return body.response;
      const outcome = await deps.useCases.putOptionImage({
        poll: pollIdOf(context),
        option: context.req.param('option') ?? '',
        bytes: body.value,
        actor: OPERATOR_ACTOR,
      });
      return changeAnswer(outcome, deps.reading.clock);
    },
  };
}

function getRoute(deps: ApiDeps): Route {
  return {
    access: 'public',
    doc: {
      method: 'get',
      path: '/v1/images/{sha256}',
      tags: ['Polls'],
      operationId: 'getImage',
      summary: 'A picture; it never changes',
      request: { params: pathImage },
      responses: {
        200: { description: 'The picture.', content: BINARY },
        304: { description: 'The picture is at the asker’s already.' },
        ...problemResponses('image_not_found'),
      },
    },
    async handle(context) {
      const found = await deps.useCases.getImage(context.req.param('sha256') ?? '');
      if (found.kind !== 'ok') return problem('image_not_found', 'No image has this digest.');
      const { sha256, mediaType, bytes } = found.image;
      const etag = `"${sha256}"`;
      const headers = { etag, 'cache-control': IMMUTABLE, 'content-type': mediaType };
      if (holdsAlready(context.req.raw, etag)) return new Response(null, { status: 304, headers });
      return new Response(bytes as Uint8Array<ArrayBuffer>, { headers });
    },
  };
}
