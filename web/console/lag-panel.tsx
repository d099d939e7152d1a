/** How far the stores are behind the log, partition by partition, and what the processes use. */
import { useConsole } from './console-context.ts';
import { ScrollArea } from './scroll-area.tsx';

export function LagPanel() {
  const { m, f, live } = useConsole();
  const partitions = live.ops?.lag.partitions ?? [];
  const processes = live.ops?.processes ?? [];
  const behind = (count: number) => (count <= 0 ? m.upToDate : f.integer(count));
  return (
    <section class="panel" aria-label={m.lagPanel}>
      <header class="panel-head">
        <h2>{m.lagPanel}</h2>
      </header>
      <ScrollArea label={`${m.lagPanel}, ${m.processes}`}>
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">{m.partition}</th>
              <th scope="col" class="num">
                {m.logEnd}
              </th>
              <th scope="col" class="num">
                {m.tallyBehind}
              </th>
              <th scope="col" class="num">
                {m.ledgerBehind}
              </th>
            </tr>
          </thead>
          <tbody>
            {partitions.map((part) => (
              <tr key={part.partition}>
                <th scope="row">{f.integer(part.partition)}</th>
                <td class="num">{f.integer(part.end)}</td>
                <td class="num">{behind(part.end - part.tally)}</td>
                <td class="num">{behind(part.end - part.ledger)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">{m.process}</th>
              <th scope="col" class="num">
                {m.memory}
              </th>
              <th scope="col" class="num">
                {m.cpu}
              </th>
            </tr>
          </thead>
          <tbody>
            {processes.map((process) => (
              <tr key={process.name}>
                <th scope="row">{process.name}</th>
                <td class="num">{f.bytes(process.rssBytes)}</td>
                <td class="num">{f.cpu(process.cpuPercent)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollArea>
    </section>
  );
}
