/** Bytes for eyes: as text where they are text, and as the hex dump that every tool prints. */

export const HEX_ROW_BYTES = 16;

export interface HexRow {
  /** Eight hex digits. */
  readonly offset: string;
  readonly hex: string;
  /** Printable ASCII; a dot for every other byte. */
  readonly ascii: string;
}

/** Null where the text is no base64. */
export function bytesOfBase64(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}

export function hexRows(bytes: Uint8Array, rowsMax: number): readonly HexRow[] {
  const count = Math.min(rowsMax, Math.ceil(bytes.length / HEX_ROW_BYTES));
  return Array.from({ length: count }, (_, row) => {
    const part = [...bytes.subarray(row * HEX_ROW_BYTES, (row + 1) * HEX_ROW_BYTES)];
    return {
      offset: (row * HEX_ROW_BYTES).toString(16).padStart(8, '0'),
      hex: part.map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
      ascii: part
        .map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '.'))
        .join(''),
    };
  });
}

/** The bytes as UTF-8, with controls and turned directions spelt out as ⟨hex⟩: nothing hides. */
export function textOfBytes(bytes: Uint8Array, bytesMax: number): string {
  const text = new TextDecoder('utf-8').decode(bytes.subarray(0, bytesMax));
  return text.replaceAll(
    /(?![\n\t])[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (char) => `⟨${char.charCodeAt(0).toString(16).padStart(2, '0')}⟩`,
  );
}
