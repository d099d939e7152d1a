/** Finds the elements that the server has written for the script. */

/** The element of that id; throws when the page has none of that type, which is a mistake of ours. */
export function findElement<T extends Element>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return element;
}

/** Sets the text only when it differs, so that nothing is laid out or read out in vain. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
