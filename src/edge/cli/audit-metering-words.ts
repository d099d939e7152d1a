/** What an audit of metering has found, in words. */
import type { MeteringAudit } from '../../application/metering/audit-metering.ts';
import type { MeteringDifference } from '../../application/metering/metering-difference.ts';

/** Lines that say what was compared and what differs, at most `shownMax` differences. */
export function describeMetering(audit: MeteringAudit, shownMax: number): readonly string[] {
  const { partitions, differences, differing, failure, rating } = audit;
  const lines = partitions.map((one) => {
    const { partition, blocks, nextOffset, counted, duplicates, conflicts, voided } = one;
    const received = counted + duplicates + conflicts;
    return (
      `pulses, partition ${partition}: ${blocks} blocks read and checked; pulse ledger at ${nextOffset}\n` +
      `  ${received} received = ${counted} counted + ${duplicates} duplicates + ${conflicts} conflicts; ` +
      `${voided} voided; ${one.unreadable} unreadable`
    );
  });
  const gone = audit.forgotten === 0 ? '' : `, ${audit.forgotten} not held any more`;
  lines.push(
    `  compared: usage of ${audit.tenants} tenants in ${audit.windows} windows and by day, ` +
      `${audit.pulses} held pulses${gone}, ${audit.deadLetters} dead letters`,
  );
  if (rating !== null) lines.push(ratingWords(rating));
  if (failure !== null) lines.push(`  FAILED ${failure.code}: ${failure.message}`);
  lines.push(...differences.slice(0, shownMax).map(differenceWords));
  const more = differing - Math.min(differences.length, shownMax);
  if (more > 0) lines.push(`  … and ${more} differences more`);
  return lines;
}

function ratingWords(rating: NonNullable<MeteringAudit['rating']>): string {
  const usage = rating.isTooMuchOnItsWay
    ? 'usage not compared, for too much is on its way to rating'
    : `usage compared but for ${rating.onTheirWay} windows on their way`;
  return (
    `  rating: ${usage}; ${rating.charges} charges of ${rating.reckoned} tenants reckoned anew, ` +
    `${rating.waiting} tenants wait to be rated`
  );
}

function differenceWords(difference: MeteringDifference): string {
  const { store, partitions, series, window, what, expected, found } = difference;
  const place = [
    store,
    ...(partitions.length === 0 ? [] : [`partition ${partitions.join(', ')}`]),
    ...(series === null ? [] : [`tenant ${series.tenant}, ${series.sku} in ${series.unit}`]),
    ...(window === null ? [] : [`${timeOf(window.from)} to ${timeOf(window.to)}`]),
    what,
  ];
  return `  DIFFERENT ${place.join(', ')}: it must be ${expected}, and is ${found}`;
}

function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16)}Z`;
}
