/** Turns pages into a body that is written as fast as it is read, and no faster. */

/** Lines made between two turns of the event loop: about half a millisecond. */
const LINES_A_TURN = 500;

const encoder = new TextEncoder();

/**
 * `head`, then a line an item. A page is asked for when the one before has been read; a reader that
 * goes away ends the pages. A page that fails breaks the body off, so that nobody takes it for whole.
 */
export function streamLines<T>(
  head: string,
  pages: AsyncGenerator<readonly T[], void, void>,
  lineOf: (item: T) => string,
): ReadableStream<Uint8Array> {
  let page: readonly T[] = [];
  let next = 0;
  let pending = head;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (pending === '') {
          if (next >= page.length) {
            const turn = await pages.next();
            if (turn.done === true) {
              controller.close();
              return;
            }
            page = turn.value;
            next = 0;
          }
          const lines = page.slice(next, next + LINES_A_TURN);
          next += lines.length;
          pending = lines.map(lineOf).join('');
          // Votes are answered between two pieces.
          await new Promise<void>((resolve) => setImmediate(resolve));
        }
        controller.enqueue(encoder.encode(pending));
        pending = '';
      },
      async cancel() {
        await pages.return();
      },
    },
    { highWaterMark: 1 },
  );
}
