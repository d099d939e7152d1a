/** Hands a text over as a file, made here: nothing leaves the browser. */
export function downloadText(name: string, text: string, type: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // Revoked only after the click has been dealt with, or the download finds nothing.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
