/** Metrics whose values are read when they are scraped, so that no hot path ever touches one. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** Sets the samples of one scrape; the metric is empty when it begins. */
type Collect<Metric> = (metric: Metric) => void | Promise<void>;

export interface Instruments {
  readonly registry: Registry;
  gauge(name: string, help: string, labels: readonly string[], collect: Collect<Gauge>): void;
  counter(name: string, help: string, labels: readonly string[], collect: Collect<Counter>): void;
}

/** The metrics of one process, with what every process tells: memory, CPU, event loop and version. */
export function createInstruments(version: string): Instruments {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'apura_process_' });
  const configuration = <Metric extends Gauge | Counter>(
    name: string,
    help: string,
    labels: readonly string[],
    collect: Collect<Metric>,
  ) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
    collect(this: Metric) {
      this.reset();
      return collect(this);
    },
  });
  const instruments: Instruments = {
    registry,
    gauge: (name, help, labels, collect) => {
      new Gauge(configuration<Gauge>(name, help, labels, collect));
    },
    counter: (name, help, labels, collect) => {
      new Counter(configuration<Counter>(name, help, labels, collect));
    },
  };
  instruments.gauge('apura_build_info', 'The running version.', ['version'], (g) =>
    g.set({ version }, 1),
  );
  return instruments;
}
