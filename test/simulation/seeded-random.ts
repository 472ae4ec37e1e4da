import type { Random } from '../../src/runtime/random.ts'

/** One seed draws everything: xoshiro128** (Blackman and Vigna), seeded by splitmix32. */
export class SeededRandom implements Random {
  #state: [number, number, number, number]

  constructor(seed: number) {
    let mixed = seed >>> 0
    const next = () => {
      mixed = (mixed + 0x9e3779b9) >>> 0
      let z = mixed
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
      return (z ^ (z >>> 15)) >>> 0
    }
    this.#state = [next(), next(), next(), next()]
  }

  #next(): number {
    const s = this.#state
    const rotate = (x: number, k: number) => ((x << k) | (x >>> (32 - k))) >>> 0
    const result = Math.imul(rotate(Math.imul(s[1], 5) >>> 0, 7), 9) >>> 0
    const t = (s[1] << 9) >>> 0
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotate(s[3] >>> 0, 11)
    return result
  }

  fraction(): number {
    return this.#next() / 2 ** 32
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#next() & 0xff)
  }

  /** Uniform in 0 … below − 1. */
  below(below: number): number {
    return Math.floor(this.fraction() * below)
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }
}
