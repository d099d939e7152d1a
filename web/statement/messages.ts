/** The words of the printed statement: one type that every language must fill. */
import type { ReportLanguage } from '../report/messages.ts';

export type StatementLanguage = ReportLanguage;

export interface StatementMessages {
  readonly statement: string;
  readonly final: string;
  readonly preliminary: string;
  readonly finalNote: string;
  readonly preliminaryNote: string;
  readonly tenant: string;
  readonly period: string;
  readonly contract: string;
  readonly zone: string;
  readonly state: string;
  readonly states: Readonly<Record<'open' | 'closing' | 'final', string>>;
  readonly product: string;
  readonly quantity: string;
  readonly amount: string;
  readonly total: string;
  readonly noLines: string;
  readonly adjustmentOf: (period: string) => string;
  /** By kind of step; those of a tier stand before its number. */
  readonly steps: Readonly<Record<string, string>>;
  readonly unpriced: string;
  readonly unpricedNote: string;
  readonly reason: string;
  readonly reasons: Readonly<Record<'no_contract' | 'no_price' | 'amount_too_large', string>>;
  readonly generated: (when: string) => string;
}
