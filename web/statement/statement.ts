/** A tenant's statement as the API writes it: what the printable page is made from. */

/** Amounts are exact decimals in a text; times are RFC 3339 in UTC. */
export interface StatementStep {
  readonly kind: string;
  /** The step in English, without its amount. */
  readonly words: string;
  readonly quantity: string | null;
  readonly unitPrice: string | null;
  /** 1-based, of a tier. */
  readonly tier: number | null;
  readonly amount: string;
  /** What the line comes to after the step. */
  readonly subtotal: string;
}

export interface StatementSpan {
  readonly from: string;
  readonly to: string;
}

export interface StatementLine extends StatementSpan {
  readonly id: string;
  readonly kind: 'usage' | 'adjustment';
  readonly sku: string;
  readonly unit: string;
  readonly quantity: string;
  readonly pulses: number;
  readonly steps: readonly StatementStep[];
  readonly precise: string;
  readonly rounded: string;
  readonly currency: string;
  /** Of an adjustment: the final period that it corrects. */
  readonly adjusts: StatementSpan | null;
}

export interface StatementTotal {
  readonly currency: string;
  readonly amount: string;
  readonly lines: number;
}

export interface StatementPeriod extends StatementSpan {
  readonly contract: string;
  /** Of the contract: the period begins and ends by its clocks. */
  readonly timeZone: string;
  readonly state: 'open' | 'closing' | 'final';
  readonly lines: readonly StatementLine[];
  readonly totals: readonly StatementTotal[];
}

export interface StatementUnpriced extends StatementSpan {
  readonly sku: string;
  readonly unit: string;
  readonly quantity: string;
  readonly pulses: number;
  readonly reason: 'no_contract' | 'no_price' | 'amount_too_large';
}

export interface Statement extends StatementSpan {
  readonly tenant: string;
  /** Whether every period is final: the statement can never move. */
  readonly final: boolean;
  readonly periods: readonly StatementPeriod[];
  readonly totals: readonly StatementTotal[];
  /** Usage that is not in the totals, because nothing prices it yet. */
  readonly unpriced: readonly StatementUnpriced[];
  readonly generatedAt: string;
}
