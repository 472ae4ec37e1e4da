import type { Lifetime } from '../support/edgeless-party.ts'
import { Waits } from '../support/waits.ts'
import { waitingStore, waitsInSequence } from '../support/waits-in-sequence.ts'

/** How often a change of three parties waits in sequence for a disk. */
export async function countWaits(): Promise<number> {
  const ends: (() => unknown)[] = []
  const lifetime = {
    teardown: (end: () => unknown) => ends.push(end),
    fail: (why: string) => {
      throw new Error(why)
    },
  } as Lifetime
  const waits = new Waits()
  try {
    return await waitsInSequence(lifetime, waits, false, () => waitingStore(waits))
  } finally {
    for (const end of ends.reverse()) await end()
  }
}
