/** Bits of sizes and indexes up to 2^53: JavaScript's own bit operators see only the lowest 32 of them. */

export function isOdd(value: number): boolean {
  return value % 2 === 1
}

/** A shift to the right by one. */
export function half(value: number): number {
  return Math.floor(value / 2)
}

/** The greatest power of two that divides it. Requires value > 0. */
export function lowestBit(value: number): number {
  let bit = 1
  while (value % (bit * 2) === 0) bit *= 2
  return bit
}
