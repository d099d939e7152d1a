/** Every stable error code: what clients, logs and docs/errors.md call a failure. */
export const ERROR_CODES = {
  // The request
  invalid_json: 'The body is not valid JSON.',
  invalid_body: 'A field is missing, or has the wrong type or value.',
  unknown_field: 'The body has a field that this route does not know.',
  body_too_large: 'The body is larger than the route allows.',
  body_too_deep: 'The body nests deeper than the route allows.',
  unsupported_media_type: 'The content type is not one that the route reads.',
  method_not_allowed: 'The path exists, but not for this method.',
  not_found: 'There is nothing at this path.',
  invalid_idempotency_key: 'The Idempotency-Key is not one that the route takes.',
  invalid_query: 'A query parameter is unknown or has a wrong value.',
  unauthorized: 'The request needs a token or an API key, and has none or a wrong one.',
  forbidden: 'The caller may not do this.',
  too_many_attempts: 'Too many wrong tokens came from this network; wait before trying again.',
  // Polls and votes
  poll_not_found: 'No poll has this id.',
  poll_exists: 'A poll with this id exists already.',
  option_not_found: 'The poll has no option with this id.',
  poll_not_open: 'The poll does not take votes now.',
  poll_closed: 'The poll is closed: its votes are in.',
  poll_state: 'The poll is in a state that does not allow this change.',
  settings_frozen: 'The poll has opened: this setting can no longer change.',
  version_conflict: 'It has changed since the version that the request names.',
  not_supported: 'The setting is known, but not enforced yet, so it is refused.',
  id_expired: 'The id is too old to be sent: ask its receipt instead.',
  id_in_future: 'The id lies ahead of the server clock by more than the allowed bound.',
  invalid_image: 'The bytes are not an image that Apura serves.',
  image_not_found: 'No image has this digest.',
  receipt_unknown: 'The id can not be a receipt of this poll.',
  // Pulses
  malformed_request: 'The bytes are not the message that the method takes.',
  no_pulses: 'The request holds no pulse.',
  too_many_pulses: 'The request holds more pulses than one may.',
  pulses_rejected: 'Every pulse of the request was rejected.',
  backfill_forbidden: 'The API key may not send pulses of any age.',
  unsupported_encoding: 'The content coding is not one that the route reads.',
  stream_expired: 'The stream has been open, or silent, for as long as one may.',
  // Metering
  entry_not_found: 'The metering catalogue has no entry with this id.',
  entry_overlap: 'The entry contradicts another one that holds at the same time.',
  pulse_not_found: 'The ledger does not know the pulse, or not yet.',
  act_id_taken: 'The act id names another act already; this one was not done.',
  charge_not_found: 'No charge has this id.',
  statement_not_found: 'No billing period of the tenant holds this instant.',
  dead_letter_not_found: 'No dead letter has this id.',
  dead_letter_state: 'The dead letter is in a state that does not allow this.',
  too_many_rows: 'The answer would have more rows than one may.',
  // The state of the system
  outcome_unknown: 'The event may or may not have been logged: send it again with the same id.',
  overloaded: 'The system can not take more now; nothing was logged.',
  not_ready: 'The process is starting, stopping or cut off from its log.',
  internal: 'An unexpected failure; the log holds the details under the request id.',
  // The log and the stores
  log_unavailable: 'The log can not be reached; nothing was appended.',
  append_unknown: 'The log did not say whether the append happened.',
  log_failed: 'The storage of the log reported an error; the process must stop.',
  log_trimmed: 'The log no longer holds the blocks that were asked for.',
  log_rewound: 'The log ends before a position that was confirmed earlier.',
  log_mismatch: 'The store belongs to another log.',
  log_corrupt: 'A block of the log fails its check.',
  block_invalid: 'The bytes are not a block, or not all of one.',
  durability_refused: 'The storage does not keep the durability setting that it was given.',
  ledger_key_conflict: 'The ledger holds an id already that the log counts now.',
  store_corrupt: 'A store holds something that Apura never writes.',
  store_unavailable: 'A store can not be reached, or did not say whether it has taken a step.',
  rating_unavailable:
    'The rating service can not be reached, or did not say whether it has taken the usage.',
  fenced: 'Another worker owns the partition now.',
  data_folder_locked: 'Another process holds the data folder.',
  // The command line and the settings
  invalid_config: 'A setting is missing, malformed or contradicts another.',
  port_in_use: 'The port is taken by another process.',
  usage: 'The command line is not understood.',
  server_unreachable: 'No Apura server answers at the address.',
  not_balanced: 'The books do not balance.',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(ERROR_CODES, text);
}
