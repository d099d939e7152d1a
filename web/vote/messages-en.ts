/** The voter pages in English. */
import type { Messages } from './messages.ts';

const BUSY = 'Many people are voting right now. Try again in a moment.';

const REFUSALS: Readonly<Record<string, string>> = {
  poll_closed: 'Voting ended before the vote arrived.',
  poll_not_open: 'The poll is not taking votes right now.',
  poll_not_found: 'This poll no longer exists.',
  option_not_found: 'This option does not exist. Reload the page and choose again.',
  id_expired: 'The page was open for too long. Please vote again.',
  id_in_future: 'The time could not be set with the server. Reload the page and vote again.',
  invalid_body: 'Choose an option and vote again.',
  overloaded: BUSY,
  not_ready: BUSY,
  log_unavailable: BUSY,
};

export const EN: Messages = {
  language: 'en',
  languageName: 'English',
  languageCode: 'EN',
  languages: 'Language',

  poll: {
    pageTitle: (title) => `${title} · Vote`,
    description: (names) => `Vote now: ${names}.`,
    chooseOne: 'Choose an option',
    options: 'Options',
    vote: 'Vote',
    voteFor: (name) => `Vote for ${name}`,
    chooseFirst: 'Choose an option to vote.',
    tooMany: 'Too many votes are waiting on this device. Wait until they are sent.',
    waiting: (votes) =>
      votes === 1
        ? '1 vote is saved on this device, sending…'
        : `${votes} votes are saved on this device, sending…`,
    failed: (votes) =>
      votes === 1 ? '1 vote was not counted.' : `${votes} votes were not counted.`,
    promise: 'Every accepted vote is counted exactly once.',
  },

  time: {
    zones: { 'America/Sao_Paulo': 'Brasília time' },
    yourTime: 'your time',
    today: (time) => `today, ${time}`,
    left: (remaining) => `${remaining} left`,
    startsIn: (remaining) => `Starts in ${remaining}`,
    saidLeft: (minutes) => (minutes === 1 ? '1 minute left.' : `${minutes} minutes left.`),
    saidLeftSeconds: (seconds) => `${seconds} seconds left.`,
    saidEnded: 'Voting has ended.',
    saidStarted: 'Voting has started.',
  },

  status: {
    openUntil: (when) => `Vote until ${when}`,
    open: 'Voting is open',
    openEndless: 'No closing time has been set',
    notYet: 'Voting has not started yet',
    starts: (when) => `Starts ${when}`,
    startUnknown: 'The starting time has not been set yet.',
    paused: 'Voting is paused',
    pausedDetail: 'Come back soon: it may continue at any moment.',
    ended: 'Voting has ended',
    endedAt: (when) => `Ended ${when}`,
    closing: 'The last votes are being counted.',
    short: {
      draft: 'In preparation',
      scheduled: 'Soon',
      open: 'Open',
      paused: 'Paused',
      closing: 'Counting',
      closed: 'Ended',
      published: 'Official result',
      archived: 'Archived',
    },
  },

  outcome: {
    choice: (name) => `You voted for ${name}`,
    sending: 'Sending your vote…',
    sendingText: 'This takes just a moment.',
    kept: 'Your vote is saved, sending…',
    noNetwork: (durable) =>
      durable
        ? 'No connection. Your vote is saved on this device and will be sent as soon as the network is back.'
        : 'No connection. Keep this page open: your vote will be sent as soon as the network is back.',
    busy: (durable) =>
      durable
        ? 'Many people are voting right now. Your vote is saved on this device and will be sent in a moment.'
        : 'Many people are voting right now. Keep this page open: your vote will be sent in a moment.',
    asking: 'Checking your vote…',
    askingText: 'We are finding out whether it is in already. A vote is never counted twice.',
    registered: 'Vote registered',
    registeredText: 'It is stored and will be counted exactly once.',
    countedText: 'It has been counted, exactly once.',
    receipt: 'Receipt',
    receiptNote: 'This code lets you check the count. It does not reveal your choice.',
    receiptLater: 'It appears here as soon as the vote is registered.',
    copy: 'Copy',
    copied: 'Copied',
    check: 'Check',
    checking: 'Checking…',
    checkFailed: 'It could not be checked right now. Try again in a moment.',
    receiptStatus: {
      pending: 'The vote is still on its way to the count.',
      counted: 'The vote was counted.',
      duplicate: 'The vote was counted, exactly once.',
      expired: 'The vote arrived too late and was not counted.',
      late: 'The vote arrived after the end and was not counted.',
      voided: 'The vote was voided by the organisers.',
      not_counted_final: 'The vote did not arrive in time and was not counted.',
    },
    again: 'Vote again',
    more: (votes) =>
      votes === 1 ? '1 more vote is saved, sending…' : `${votes} more votes are saved, sending…`,
    moreFailed: (votes) =>
      votes === 1
        ? 'Another vote was not counted either.'
        : `${votes} other votes were not counted either.`,
    refused: 'Vote not registered',
    refusal: (code) => REFUSALS[code] ?? `The server refused the vote (${code}).`,
    missed: 'Vote not sent',
    missedText:
      'Voting ended before the network was back. The vote never left this device and was not counted.',
    notCounted: 'Vote not counted',
    unsettled: 'Not confirmed yet',
    unsettledText:
      'We could not find out whether the vote was counted. Keep the receipt and check later.',
    checkAgain: 'Check again',
  },

  results: {
    partial: 'Results so far',
    final: 'Results',
    official: 'Official result',
    votes: (votes, formatted) => (votes === 1 ? '1 vote' : `${formatted} votes`),
    total: (votes, formatted) => (votes === 1 ? 'Total: 1 vote' : `Total: ${formatted} votes`),
    leads: 'Ahead',
    won: 'Most votes',
    none: 'No votes yet.',
    loading: 'Getting the results…',
    hidden: {
      never: 'The result of this poll is not public.',
      after_vote: 'The results so far appear after your vote.',
      after_close: 'The result appears here when voting ends.',
      after_publish: 'The result appears here when the organisers publish it.',
    },
    live: 'Live',
    asOf: (time) => `Updated at ${time}`,
    outOfDate: (time) => `Not updated since ${time}`,
    said: (heading, lines) => `${heading}: ${lines}.`,
  },

  list: {
    title: 'Polls',
    empty: 'There are no polls here yet',
    emptyText: 'When a poll opens, it appears on this page.',
  },

  notice: {
    notFound: 'This poll does not exist',
    notFoundText: 'Check the address: a letter may be missing.',
    allPolls: 'See the polls',
    error: 'Something went wrong',
    errorText: 'The fault is ours. Try again in a moment.',
    reference: (id) => `Code for support: ${id}`,
    back: 'Back to the poll',
    uncertain: 'We do not know yet whether the vote arrived',
    uncertainText: 'Send it again: it is the same vote, and it never counts twice.',
    sendAgain: 'Send again',
  },
};
