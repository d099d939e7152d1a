/** The words of the voter pages: one type that every language must fill, so a missing text does not compile. */
import type { HiddenReason, Language, PollState, ReceiptStatus } from './poll.ts';

export type Messages = {
  readonly language: Language;
  /** The language in its own words, and in two letters. */
  readonly languageName: string;
  readonly languageCode: string;
  readonly languages: string;

  readonly poll: {
    readonly pageTitle: (title: string) => string;
    /** `names` is a finished list, such as "Ana, Bia ou Caio". */
    readonly description: (names: string) => string;
    readonly chooseOne: string;
    readonly options: string;
    readonly vote: string;
    readonly voteFor: (name: string) => string;
    readonly chooseFirst: string;
    readonly tooMany: string;
    readonly waiting: (votes: number) => string;
    readonly failed: (votes: number) => string;
    readonly promise: string;
  };

  readonly time: {
    /** Names of zones that people know by a shorter name than Unicode's. */
    readonly zones: Readonly<Record<string, string>>;
    readonly yourTime: string;
    readonly today: (time: string) => string;
    /** `remaining` is such as "1 h 02 min 05 s". */
    readonly left: (remaining: string) => string;
    readonly startsIn: (remaining: string) => string;
    readonly saidLeft: (minutes: number) => string;
    readonly saidLeftSeconds: (seconds: number) => string;
    readonly saidEnded: string;
    readonly saidStarted: string;
  };

  readonly status: {
    readonly openUntil: (when: string) => string;
    readonly open: string;
    readonly openEndless: string;
    readonly notYet: string;
    readonly starts: (when: string) => string;
    readonly startUnknown: string;
    readonly paused: string;
    readonly pausedDetail: string;
    readonly ended: string;
    readonly endedAt: (when: string) => string;
    readonly closing: string;
    readonly short: Readonly<Record<PollState, string>>;
  };

  readonly outcome: {
    readonly choice: (name: string) => string;
    readonly sending: string;
    readonly sendingText: string;
    readonly kept: string;
    /** `durable`: kept on the device, so that the page may be closed. */
    readonly noNetwork: (durable: boolean) => string;
    readonly busy: (durable: boolean) => string;
    readonly asking: string;
    readonly askingText: string;
    readonly registered: string;
    readonly registeredText: string;
    readonly countedText: string;
    readonly receipt: string;
    readonly receiptNote: string;
    readonly receiptLater: string;
    readonly copy: string;
    readonly copied: string;
    readonly check: string;
    readonly checking: string;
    readonly checkFailed: string;
    readonly receiptStatus: Readonly<Record<ReceiptStatus, string>>;
    readonly again: string;
    readonly more: (votes: number) => string;
    readonly moreFailed: (votes: number) => string;
    readonly refused: string;
    readonly refusal: (code: string) => string;
    readonly missed: string;
    readonly missedText: string;
    readonly notCounted: string;
    readonly unsettled: string;
    readonly unsettledText: string;
    readonly checkAgain: string;
  };

  readonly results: {
    readonly partial: string;
    readonly final: string;
    readonly official: string;
    readonly votes: (votes: number, formatted: string) => string;
    readonly total: (votes: number, formatted: string) => string;
    readonly leads: string;
    readonly won: string;
    readonly none: string;
    readonly loading: string;
    readonly hidden: Readonly<Record<HiddenReason, string>>;
    readonly live: string;
    readonly asOf: (time: string) => string;
    readonly outOfDate: (time: string) => string;
    readonly said: (heading: string, lines: string) => string;
  };

  readonly list: {
    readonly title: string;
    readonly empty: string;
    readonly emptyText: string;
  };

  readonly notice: {
    readonly notFound: string;
    readonly notFoundText: string;
    readonly allPolls: string;
    readonly error: string;
    readonly errorText: string;
    readonly reference: (id: string) => string;
    readonly back: string;
    readonly uncertain: string;
    readonly uncertainText: string;
    readonly sendAgain: string;
  };
};
