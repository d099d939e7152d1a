/** How a poll's change stands in the log's control partition, and as JSON in the catalogue. */
import { ApuraError } from '../errors.ts';
import { StrictJson } from '../strict-json.ts';
import {
  ACCENT_COLOR_PATTERN,
  CHALLENGE_POLICIES,
  IMAGE_PATH_PATTERN,
  OPTIONS_MAX,
  OPTIONS_MIN,
  POLL_STATES,
  type Poll,
  type PollOption,
  RESULTS_DETAILS,
  RESULTS_VISIBILITIES,
  SLUG_PATTERN,
  VOTE_POLICIES,
} from './poll.ts';

/** A whole poll as it is from an instant on. Of two of one poll the higher version holds. */
export interface PollRecord {
  readonly type: 'poll';
  /** From when on doors and readers go by it, ms since the Unix epoch. */
  readonly effectiveAt: number;
  readonly poll: Poll;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export function encodePollRecord(record: PollRecord): Uint8Array {
  return encoder.encode(JSON.stringify(record));
}

/**
 * @throws ApuraError `log_corrupt`: not a poll record, of an unknown type, or with anything missing,
 *   malformed or unknown in it. To pass over what is not understood could leave a closed poll open.
 */
export function decodePollRecord(bytes: Uint8Array): PollRecord {
  const record = StrictJson.parse(utf8(bytes), 'control record', 'log_corrupt').object([
    'type',
    'effectiveAt',
    'poll',
  ]);
  return {
    type: record.type.oneOf(['poll']),
    effectiveAt: record.effectiveAt.whole(0),
    poll: readPoll(record.poll),
  };
}

export function encodePoll(poll: Poll): string {
  return JSON.stringify(poll);
}

/** @throws ApuraError `store_corrupt`: not a poll as `encodePoll` writes it. */
export function decodePoll(text: string): Poll {
  return readPoll(StrictJson.parse(text, 'poll', 'store_corrupt'));
}

function utf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new ApuraError('log_corrupt', 'The control record is not UTF-8.', { cause });
  }
}

function readPoll(value: StrictJson): Poll {
  const poll = value.object(
    [
      'id',
      'title',
      'options',
      'opensAt',
      'closesAt',
      'timeZone',
      'votePolicy',
      'challengePolicy',
      'resultsVisibility',
      'resultsDetail',
      'look',
      'state',
      'version',
      'createdAt',
      'updatedAt',
    ],
    // Polls that were made before there could be several logs do not say in which they stand.
    ['log'],
  );
  const look = poll.look.object(['accentColor', 'logoUrl']);
  return {
    id: readSlug(poll.id),
    log: poll.log?.text(() => true) ?? '',
    title: poll.title.text(isFilled),
    options: poll.options.list(OPTIONS_MIN, OPTIONS_MAX).map(readOption),
    opensAt: poll.opensAt.orNull(readInstant),
    closesAt: poll.closesAt.orNull(readInstant),
    // Not asked of the runtime: a zone that it has forgotten must not stop the log from being read.
    timeZone: poll.timeZone.text(isFilled),
    votePolicy: poll.votePolicy.oneOf(VOTE_POLICIES),
    challengePolicy: poll.challengePolicy.oneOf(CHALLENGE_POLICIES),
    resultsVisibility: poll.resultsVisibility.oneOf(RESULTS_VISIBILITIES),
    resultsDetail: poll.resultsDetail.oneOf(RESULTS_DETAILS),
    look: {
      accentColor: look.accentColor.orNull((color) =>
        color.text((text) => ACCENT_COLOR_PATTERN.test(text)),
      ),
      logoUrl: look.logoUrl.orNull(readImagePath),
    },
    state: poll.state.oneOf(POLL_STATES),
    version: poll.version.whole(1),
    createdAt: readInstant(poll.createdAt),
    updatedAt: readInstant(poll.updatedAt),
  };
}

function readOption(value: StrictJson): PollOption {
  const option = value.object(['id', 'name', 'imageUrl']);
  return {
    id: readSlug(option.id),
    name: option.name.text(isFilled),
    imageUrl: option.imageUrl.orNull(readImagePath),
  };
}

const isFilled = (text: string): boolean => text.length > 0;
const readInstant = (value: StrictJson): number => value.whole(0);
const readSlug = (value: StrictJson): string => value.text((text) => SLUG_PATTERN.test(text));
const readImagePath = (value: StrictJson): string =>
  value.text((text) => IMAGE_PATH_PATTERN.test(text));
