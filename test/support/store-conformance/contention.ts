import { WrongExpectedRevision } from '../../../src/store/errors.ts'
import type { Store } from '../../../src/store/port.ts'
import { facts } from './harness.ts'

/** The stream that several writers fight for. */
export const SHARED = 'shared'

/** Appends so many events, each at the end that it found, and tries again whenever another was faster. */
export async function appendAmongOthers({ events }: Store, name: string, count: number): Promise<void> {
  for (let n = 0; n < count; ) {
    try {
      await events.append(SHARED, await events.lastRevision(SHARED), facts(`${name}${n}`))
      n++
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error
    }
  }
}
