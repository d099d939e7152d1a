/** What a contract suite needs of the store that it holds to a port's promises. */

/** One store, reached through as many handles as a test likes. Disposing it removes it. */
export interface StoreUnderTest<Handle> extends AsyncDisposable {
  /** One more handle, as another process would have it, for `logId` (LOG_ID unless told). */
  open(logId?: string): Promise<Handle>;
  /**
   * Ends every handle as kill -9 would: nothing is closed, flushed or said goodbye to. They must
   * not be used again; `open` gives new ones.
   */
  crash(): Promise<void>;
}

/** Makes a new, empty store. */
export type CreateStore<Handle> = () => Promise<StoreUnderTest<Handle>>;

/** The log that stores under test belong to. */
export const LOG_ID = 'log-under-test';
