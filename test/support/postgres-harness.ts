/** Stores under test on one Postgres server: each in a schema of its own, reached as its users reach it. */
import { Client } from 'pg';
import { LOG_ID, type StoreUnderTest } from '../../src/ports/store-under-test.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { waitUntil } from './wait-until.ts';

export interface PostgresHarness extends AsyncDisposable {
  readonly server: PostgresServer;
  /** Runs statements behind the stores' backs, and gives the last one's rows. */
  execute(text: string): Promise<readonly Record<string, unknown>[]>;
  /** The address of a new, empty schema. */
  newUrl(): string;
  /** Ends the server's side of every connection to the schema at this address. */
  cutConnections(url: string): Promise<void>;
  create<Handle extends AsyncDisposable>(
    open: (options: { readonly url: string; readonly logId: string }) => Promise<Handle>,
  ): StoreUnderTest<Handle>;
}

export async function postgresHarness(): Promise<PostgresHarness> {
  const server = await startPostgres();
  let schemas = 0;
  const execute = async (text: string) => {
    const client = new Client({ connectionString: server.url });
    // A server that goes away fails the query; said as an event, too, it would fail another test.
    client.on('error', () => {});
    await client.connect();
    try {
      // Of several statements the driver gives a list of results, which its types do not tell.
      const results = [await client.query<Record<string, unknown>>(text)].flat();
      return results.at(-1)?.rows ?? [];
    } finally {
      await client.end();
    }
  };
  const newUrl = () => {
    schemas += 1;
    return `${server.url}?schema=test_${schemas}&application_name=test_${schemas}`;
  };
  const cutConnections = async (url: string) => {
    const name = new URL(url).searchParams.get('application_name');
    const connections = `FROM pg_stat_activity WHERE application_name = '${name}'`;
    await execute(`SELECT pg_terminate_backend(pid) ${connections}`);
    // Told to wait for their end itself, the server looks every 100 ms.
    await waitUntil(`${name} has no connection`, async () => {
      return (await execute(`SELECT 1 ${connections}`)).length === 0;
    });
  };
  return {
    server,
    execute,
    newUrl,
    cutConnections,
    create(open) {
      const url = newUrl();
      let handles: AsyncDisposable[] = [];
      const crash = async (): Promise<void> => {
        await cutConnections(url);
        for (const handle of handles) await handle[Symbol.asyncDispose]();
        handles = [];
      };
      return {
        async open(logId = LOG_ID) {
          const handle = await open({ url, logId });
          handles.push(handle);
          return handle;
        },
        crash,
        [Symbol.asyncDispose]: crash,
      };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
