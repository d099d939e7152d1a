/** The list that fields for a time zone offer; a browser that has none still takes a typed name. */
const NAMES: readonly string[] = Intl.supportedValuesOf?.('timeZone') ?? [];

export function TimeZones() {
  return (
    <datalist id="time-zones">
      {NAMES.map((zone) => (
        <option key={zone} value={zone} />
      ))}
    </datalist>
  );
}
