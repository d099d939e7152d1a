/** The words of the printed report: one type that every language must fill. */
export type ReportLanguage = 'pt-BR' | 'en' | 'es';

export interface ReportMessages {
  readonly language: ReportLanguage;
  readonly report: string;
  readonly final: string;
  readonly preliminary: string;
  readonly finalNote: string;
  readonly preliminaryNote: string;
  readonly poll: string;
  readonly log: string;
  readonly state: string;
  readonly states: Readonly<Record<string, string>>;
  readonly opened: string;
  readonly closes: string;
  readonly closed: string;
  readonly zone: string;
  readonly none: string;
  readonly result: string;
  readonly option: string;
  readonly votes: string;
  readonly share: string;
  readonly total: string;
  readonly peaks: string;
  readonly peakMinute: string;
  readonly peakHour: string;
  readonly peakOf: (votes: string) => string;
  readonly byHour: string;
  /** Of a table that does not fit the paper's width: `part` of `parts`. */
  readonly part: (part: string, parts: string) => string;
  readonly hour: string;
  readonly noHours: string;
  readonly books: string;
  readonly booksRule: string;
  readonly booksAre: (balanced: boolean) => string;
  readonly book: Readonly<
    Record<
      'logged' | 'counted' | 'valid' | 'flagged' | 'duplicate' | 'expired' | 'late' | 'voided',
      string
    >
  >;
  readonly doorsNote: string;
  readonly booksHidden: string;
  readonly voids: string;
  readonly noVoids: string;
  readonly acts: string;
  readonly actsLeftOff: string;
  readonly noActs: string;
  readonly when: string;
  readonly who: string;
  readonly what: string;
  readonly actNames: Readonly<Record<string, string>>;
  readonly clock: string;
  readonly standing: string;
  readonly standingNote: (version: string, when: string) => string;
  readonly partition: string;
  readonly nextOffset: string;
  readonly consistency: Readonly<Record<'consistent' | 'different' | 'checking', string>>;
  readonly checkedAt: (when: string) => string;
  readonly comparison: string;
  readonly comparisonNote: string;
  readonly nthHour: string;
  readonly signatures: string;
  readonly signatureOf: readonly string[];
  readonly signatureLine: string;
  readonly generated: (when: string) => string;
}
