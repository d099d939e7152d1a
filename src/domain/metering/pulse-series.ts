/** Gives every series of a run of pulses a number, and makes its texts once, however often it comes. */
import type { UsageSeries } from './pulse.ts';
import type { PulseReader } from './pulse-reader.ts';

const SLOTS_MIN = 64;
/** Start and end of the tenant, the sku and the unit of a series where it was met first. */
const PLACES = 6;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** An open hash table over the bytes that hold the texts. */
export class SeriesTable {
  readonly series: UsageSeries[] = [];
  readonly #bytes: Uint8Array;
  readonly #hashes: number[] = [];
  readonly #places: number[] = [];
  /** 0: free; else the number of a series + 1. */
  #slots = new Uint32Array(SLOTS_MIN);

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The number of the series that the reader's pulse, which lies in the table's bytes, belongs to. */
  indexOf(reader: PulseReader): number {
    const hash = hashOf(reader);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const taken = this.#slots[slot] as number;
      if (taken === 0) return this.#add(reader, hash, slot);
      if (this.#hashes[taken - 1] === hash && this.#is(taken - 1, reader)) return taken - 1;
      slot = (slot + 1) & mask;
    }
  }

  #is(index: number, reader: PulseReader): boolean {
    const place = index * PLACES;
    return (
      this.#isText(place, reader.tenantStart, reader.tenantEnd) &&
      this.#isText(place + 2, reader.skuStart, reader.skuEnd) &&
      this.#isText(place + 4, reader.unitStart, reader.unitEnd)
    );
  }

  #isText(place: number, start: number, end: number): boolean {
    const bytes = this.#bytes;
    const known = this.#places[place] as number;
    if ((this.#places[place + 1] as number) - known !== end - start) return false;
    for (let at = 0; at < end - start; at += 1) {
      if (bytes[known + at] !== bytes[start + at]) return false;
    }
    return true;
  }

  #add(reader: PulseReader, hash: number, slot: number): number {
    const { tenantStart, tenantEnd, skuStart, skuEnd, unitStart, unitEnd } = reader;
    const text = (start: number, end: number): string =>
      decoder.decode(this.#bytes.subarray(start, end));
    this.series.push({
      tenant: text(tenantStart, tenantEnd),
      sku: text(skuStart, skuEnd),
      unit: text(unitStart, unitEnd),
    });
    this.#hashes.push(hash);
    this.#places.push(tenantStart, tenantEnd, skuStart, skuEnd, unitStart, unitEnd);
    this.#slots[slot] = this.series.length;
    if (this.series.length * 2 > this.#slots.length) this.#grow();
    return this.series.length - 1;
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    const mask = this.#slots.length - 1;
    for (const [index, hash] of this.#hashes.entries()) {
      let slot = hash & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = index + 1;
    }
  }
}

function hashOf({ tenantHash, skuHash, unitHash }: PulseReader): number {
  const hash = Math.imul(Math.imul(tenantHash, 0x85ebca77) ^ skuHash, 0xc2b2ae3d) ^ unitHash;
  return (hash ^ (hash >>> 15)) >>> 0;
}
