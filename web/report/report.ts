/** A poll's report as the API writes it: what the printable page is made from. */

export interface ReportOption {
  readonly id: string;
  readonly name: string;
  readonly votes: number;
  /** Of the total, 0 to 1. */
  readonly share: number;
  readonly leader: boolean;
}

/** Times are RFC 3339 in UTC; the page writes them in the report's zone. */
export interface ReportWindow {
  readonly from: string;
  readonly to: string;
}

export interface ReportHour extends ReportWindow {
  readonly total: number;
  readonly options: Readonly<Record<string, number>>;
}

export interface ReportPeak extends ReportWindow {
  readonly votes: number;
}

export interface ReportBooks {
  readonly logged: number;
  readonly counted: number;
  readonly duplicate: number;
  readonly expired: number;
  readonly late: number;
  readonly voided: number;
  readonly valid: number;
  readonly flagged: number;
  readonly balanced: boolean;
}

export interface ReportAct {
  readonly at: string;
  readonly actor: string;
  readonly act: string;
  readonly detail: string | null;
}

export interface ReportRecord {
  readonly acts: readonly ReportAct[];
  readonly actsLeftOff: boolean;
  readonly voids: readonly ReportAct[];
  readonly consistency: {
    readonly state: 'consistent' | 'different' | 'checking';
    readonly checkedAt: string | null;
    readonly detail: string | null;
  };
}

export interface ComparedPoll {
  readonly poll: string;
  readonly title: string;
  readonly state: string;
  readonly final: boolean;
  readonly startsAt: string | null;
  readonly total: number;
  readonly options: readonly ReportOption[];
  /** Votes of the first hour since the opening, the second, and so on. */
  readonly hours: readonly number[];
}

export interface Report {
  readonly poll: string;
  readonly title: string;
  readonly logId: string;
  readonly state: string;
  /** Whether the count can never move again. */
  readonly final: boolean;
  readonly timeZone: string;
  readonly opensAt: string | null;
  readonly closesAt: string | null;
  readonly closedAt: string | null;
  readonly total: number;
  readonly options: readonly ReportOption[];
  readonly hours: readonly ReportHour[];
  readonly peakMinute: ReportPeak | null;
  readonly peakHour: ReportPeak | null;
  readonly books: ReportBooks | null;
  readonly record: ReportRecord | null;
  readonly comparison: readonly ComparedPoll[] | null;
  readonly asOf: string;
  readonly version: number;
  readonly offsets: readonly { readonly partition: number; readonly next: number }[];
  readonly generatedAt: string;
}
