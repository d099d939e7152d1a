import { beforeEach, describe, expect, test } from 'bun:test';
import { START_TIME, VotingRoom } from '../../../test/support/voting-room.ts';
import { imagePath } from '../../domain/voting/poll.ts';
import { putOptionImage } from './put-option-image.ts';

/** The start of a PNG of 640 by 360 pixels, as far as anybody looks. */
const PNG = Uint8Array.of(
  ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52],
  ...[0, 0, 2, 0x80, 0, 0, 1, 0x68, 8, 2, 0, 0, 0, 1, 2, 3, 4],
);
const DIGEST = 'd'.repeat(64);

let room: VotingRoom;

beforeEach(() => {
  room = new VotingRoom();
});

const put = (fields: { option?: string; bytes?: Uint8Array; expectedVersion?: number } = {}) => {
  const { catalogue, clock, publisher, effectDelayMs } = room;
  const sha256 = () => DIGEST;
  return putOptionImage(
    { catalogue, clock, publisher, effectDelayMs, sha256 },
    { poll: 'final', option: 'ana', bytes: PNG, actor: 'operator', ...fields },
  );
};

describe('an option’s picture', () => {
  test('is stored under its digest together with the poll that shows it', async () => {
    await room.place();
    const result = await put();
    expect(result).toMatchObject({ kind: 'ok', poll: { version: 2 } });
    expect(
      room.directory.stored('final', START_TIME)?.options.map((each) => each.imageUrl),
    ).toEqual([imagePath(DIGEST), null]);
    expect(await room.catalogue.image(DIGEST)).toEqual({
      sha256: DIGEST,
      mediaType: 'image/png',
      width: 640,
      height: 360,
      bytes: PNG,
    });
    expect(await room.acts()).toMatchObject([{ act: 'set_image', detail: `ana: ${DIGEST}` }]);
  });

  test('put again changes nothing', async () => {
    await room.place();
    await put();
    expect(await put()).toMatchObject({ kind: 'ok', poll: { version: 2 } });
    expect(await room.acts()).toHaveLength(1);
  });

  test('that is none is refused, and nothing is stored', async () => {
    await room.place();
    const bytes = new TextEncoder().encode('<svg onload="alert(1)">');
    expect(await put({ bytes })).toEqual({
      kind: 'invalid_image',
      detail: 'The bytes are no PNG, JPEG or WebP image.',
    });
    expect(await room.catalogue.image(DIGEST)).toBeNull();
  });

  test('for no poll, for no option, of an old version or too late is refused', async () => {
    expect(await put()).toEqual({ kind: 'poll_not_found' });
    await room.place();
    expect(await put({ option: 'x' })).toEqual({ kind: 'option_not_found' });
    expect(await put({ expectedVersion: 9 })).toEqual({ kind: 'version_conflict', version: 1 });
    room = new VotingRoom();
    await room.place({ state: 'open' });
    expect(await put()).toMatchObject({ kind: 'poll_state', state: 'open' });
    expect(await room.catalogue.image(DIGEST)).toBeNull();
  });
});
