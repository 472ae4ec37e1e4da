/**
 * What a reader of UIDs could measure. Each figure is a standard score (how many standard deviations the sample lies from
 * what random UIDs would give), the greatest of its kind; so |z| beyond LIMIT tells the sample from random ones.
 */
export interface Scores {
  /** Share of ones in each of the 128 bits: a field that stands still, or grows, shows. */
  readonly monobit: number
  /** Each bit of a UID against the same bit of the next: what changes from one record to the next. */
  readonly serial: number
  /** Each bit of a UID against each bit of the number: whether any linear part of it shows through. */
  readonly counterBits: number
  /** Spearman's rank correlation of UIDs, as texts sort, with the numbers: order. */
  readonly order: number
  /** Wald-Wolfowitz runs above and below the median. */
  readonly runs: number
  /** Hamming distance of neighbours, its mean and its spread: 64 and sqrt(32) bits. */
  readonly distance: number
  readonly distanceSpread: number
  /** Chi-square of the 256 values of each of the 16 bytes, against a uniform distribution. */
  readonly bytes: number
  /** Chi-square of those values against a sample of random blocks. */
  readonly againstRandom: number
}

/**
 * Some 2100 scores are looked at. Two-sided, all of them together, that any random sample exceeds
 * 6 has a probability below 1e-5 (normal tail 2e-9 each). The samples are fixed: a test gives the same each time.
 */
export const LIMIT = 6

const BITS = 128
const BYTES = 16

/** `blocks`: of the numbers `first`, `first + 1`, …, 16 bytes each. `random`: as many blocks of a random source. */
export function scoresOf(blocks: readonly Uint8Array[], first: number, random: readonly Uint8Array[]): Scores {
  const count = blocks.length
  const columns = columnsOf(blocks)
  const found = histograms(blocks)
  const reference = histograms(random)
  const counterWidth = Math.ceil(Math.log2(count))
  const counter = Array.from({ length: counterWidth }, (_, bit) =>
    packed(Uint8Array.from(blocks, (_, index) => Math.floor((first + index) / 2 ** bit) % 2)),
  )
  const packedColumns = columns.map(packed)
  const distances = blocks.slice(1).map((block, index) => distanceOf(block, blocks[index] as Uint8Array))
  const spread = distances.reduce((sum, distance) => sum + (distance - 64) ** 2, 0) / distances.length
  return {
    monobit: greatest(columns.map((column) => coinScore(sum(column), count))),
    serial: greatest(columns.map((column) => coinScore(agreementsWithNext(column), count - 1))),
    counterBits: greatest(
      packedColumns.flatMap((column) => counter.map((bit) => coinScore(agreements(column, bit, count), count))),
    ),
    order: rankCorrelation(blocks) * Math.sqrt(count - 1),
    runs: runsScore(blocks),
    distance: (sum(distances) / distances.length - 64) / Math.sqrt(32 / distances.length),
    // The fourth central moment of a binomial distribution of 128 coins is 3056, so that of (d - 64)² varies by 2032.
    distanceSpread: (spread - 32) / Math.sqrt(2032 / distances.length),
    bytes: greatest(found.map((values) => uniformScore(values, count))),
    againstRandom: greatest(found.map((values, byte) => twoSampleScore(values, reference[byte] as number[]))),
  }
}

/** The names of the scores that tell the sample from a random one. */
export function giveaways(scores: Scores): string[] {
  return Object.entries(scores).flatMap(([name, score]) => (Math.abs(score) <= LIMIT ? [] : [name]))
}

function columnsOf(blocks: readonly Uint8Array[]): Uint8Array[] {
  return Array.from({ length: BITS }, (_, bit) =>
    Uint8Array.from(blocks, (block) => ((block[bit >> 3] as number) >> (7 - (bit & 7))) & 1),
  )
}

/** 32 bits a word: so many are compared at once. */
function packed(bits: Uint8Array): Uint32Array {
  const words = new Uint32Array(Math.ceil(bits.length / 32))
  bits.forEach((bit, index) => {
    words[index >> 5] = (words[index >> 5] as number) | (bit << (index & 31))
  })
  return words
}

/** In how many of the first `count` bits they are alike. */
function agreements(one: Uint32Array, other: Uint32Array, count: number): number {
  return one.reduce((left, word, index) => left - onesIn(word ^ (other[index] as number)), count)
}

function agreementsWithNext(bits: Uint8Array): number {
  return agreements(packed(bits.subarray(1)), packed(bits.subarray(0, -1)), bits.length - 1)
}

function onesIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555)
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** Of `heads` in as many throws of a fair coin. */
function coinScore(heads: number, throws: number): number {
  return (heads - throws / 2) / Math.sqrt(throws / 4)
}

function rankCorrelation(blocks: readonly Uint8Array[]): number {
  const count = blocks.length
  const order = [...blocks.keys()].sort((a, b) => Buffer.compare(blocks[a] as Uint8Array, blocks[b] as Uint8Array))
  let squares = 0
  order.forEach((index, rank) => {
    squares += (index - rank) ** 2
  })
  return 1 - (6 * squares) / (count * (count * count - 1))
}

function runsScore(blocks: readonly Uint8Array[]): number {
  const count = blocks.length
  const sorted = [...blocks].sort(Buffer.compare)
  const median = sorted[count / 2] as Uint8Array
  const isAbove = blocks.map((block) => Buffer.compare(block, median) >= 0)
  const runs = 1 + isAbove.slice(1).filter((above, index) => above !== isAbove[index]).length
  // Half of them lie above: the mean is n/2 + 1, the variance n(n - 2) / (4(n - 1)).
  return (runs - count / 2 - 1) / Math.sqrt((count * (count - 2)) / (4 * (count - 1)))
}

function distanceOf(one: Uint8Array, other: Uint8Array): number {
  let distance = 0
  for (let i = 0; i < BYTES; i++) {
    for (let rest = (one[i] as number) ^ (other[i] as number); rest > 0; rest &= rest - 1) distance++
  }
  return distance
}

function histograms(blocks: readonly Uint8Array[]): number[][] {
  const found = Array.from({ length: BYTES }, () => Array<number>(256).fill(0))
  for (const block of blocks) {
    for (let byte = 0; byte < BYTES; byte++) {
      const values = found[byte] as number[]
      const value = block[byte] as number
      values[value] = (values[value] as number) + 1
    }
  }
  return found
}

/** A chi-square of 255 degrees of freedom has mean 255 and variance 510. */
function uniformScore(found: readonly number[], count: number): number {
  const expected = count / 256
  return (found.reduce((total, n) => total + (n - expected) ** 2 / expected, 0) - 255) / Math.sqrt(510)
}

function twoSampleScore(one: readonly number[], other: readonly number[]): number {
  const square = one.reduce((total, n, value) => {
    const m = other[value] as number
    return n + m === 0 ? total : total + (n - m) ** 2 / (n + m)
  }, 0)
  return (square - 255) / Math.sqrt(510)
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}

function greatest(scores: readonly number[]): number {
  return scores.reduce((most, score) => (Math.abs(score) > Math.abs(most) ? score : most), 0)
}
