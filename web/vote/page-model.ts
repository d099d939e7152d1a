/** What the edge gives to the voter pages to be rendered, and what those hand to their script. */
import type { Language, Poll, PollState, Results } from './poll.ts';

/** Addresses of the built files, all of this server. */
export type PageAssets = {
  readonly script: string;
  readonly style: string;
  readonly icon?: string;
};

type AnyPageModel = {
  readonly lang: Language;
  readonly assets: PageAssets;
  /** Now, milliseconds since the epoch. */
  readonly serverTime: number;
  /**
   * Where the page is reached from outside, such as `https://vote.example`, for link previews; null or
   * absent when the server does not know it.
   */
  readonly origin?: string | null;
};

export type VotePageModel = AnyPageModel & {
  readonly poll: Poll;
  /** As `GET …/results` would answer this reader, or null to let the script ask. */
  readonly results: Results | null;
  /**
   * A UUIDv7 in server time for the form that votes without the script, so that sending it twice counts
   * once; null for none. A page with a key must not be cached: two readers would share one vote.
   */
  readonly formKey: string | null;
};

export type PollListItem = {
  readonly id: string;
  readonly title: string;
  readonly state: PollState;
  readonly opensAt: string | null;
  readonly closesAt: string | null;
  readonly timeZone: string;
};

export type PollListPageModel = AnyPageModel & { readonly polls: readonly PollListItem[] };

export type Notice =
  | { readonly kind: 'poll_not_found' }
  | { readonly kind: 'error'; readonly requestId?: string }
  /** A form's vote is in. */
  | {
      readonly kind: 'vote_accepted';
      readonly poll: Poll;
      readonly option: string;
      readonly receipt: string;
      readonly results: Results | null;
    }
  /** A form's vote was not taken; `code` is the API's. */
  | { readonly kind: 'vote_refused'; readonly poll: Poll; readonly code: string }
  /** A form's vote may be in: the page offers to send the same one again, under the same key. */
  | {
      readonly kind: 'vote_uncertain';
      readonly poll: Poll;
      readonly option: string;
      readonly key: string;
    };

export type NoticePageModel = AnyPageModel & { readonly notice: Notice };

/** The data block of the vote page, read by vote.ts. */
export type PageData = {
  readonly lang: Language;
  readonly serverTime: number;
  readonly poll: Poll;
  readonly results: Results | null;
};

/** The id of the element that holds `PageData`. */
export const PAGE_DATA_ID = 'page-data';
