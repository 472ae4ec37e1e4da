import { randomFillSync } from 'node:crypto'

/** Where randomness comes from. Injected, so that one seed can draw everything in the simulator. */
export interface Random {
  bytes(length: number): Uint8Array
  /** Uniform in [0, 1). For jitter only, never for secrets. */
  fraction(): number
}

export const systemRandom: Random = {
  bytes: (length) => randomFillSync(new Uint8Array(length)),
  fraction: () => Math.random(),
}
