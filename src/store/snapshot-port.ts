import type { Handle, RequestRef, Uid } from '../events/ids.ts'

/** What is kept of a contract that is not in memory. */
export interface Kept {
  /** All that it takes to go on with it, as JSON. Holds no values. */
  readonly snapshot: string
  /** The `PassiveContract`, as JSON. */
  readonly passive: string
  /** The parties that may see something of it. */
  readonly parties: readonly Handle[]
  /** Own requests, by their ids, whose statements the snapshot leaves out. */
  readonly requests: ReadonlyMap<string, RequestRef>
}

/**
 * Beside the store, a cache: contracts at rest, so that they need not be in memory. Losing all of it costs the time to load
 * everything again. So nothing of it is synced to the disk; but what was written first is lost last.
 *
 * Synchronous: it is a file of this process alone. Every adapter passes `snapshotsConformance` (test/support/snapshots-conformance.ts).
 */
export interface Snapshots {
  /**
   * Of what the store had up to this position everything is in what is kept here, or of a contract that is marked. Undefined:
   * nothing is kept.
   */
  readonly position: number | undefined
  /** Keeps it, and takes the mark of being active off it, unless it `isActive` still. */
  put(contract: Uid, kept: Kept, position: number, isActive?: boolean): void
  /** Marks it before anything of it changes: what is kept of it may be old from now on. */
  wake(contract: Uid): void
  /** Of a passive contract; undefined of any other. */
  passive(contract: Uid): string | undefined
  /** The last that was kept, old or not. */
  snapshot(contract: Uid): string | undefined
  /** Where an own request stands that a snapshot leaves out. */
  placeOf(contract: Uid, request: string): RequestRef | undefined
  /** The next passive contracts, in the order of their UIDs, of which the party may see something. */
  passiveWith(party: Handle, after: Uid | '', limit: number): Uid[]
  /** Forgets a contract. */
  drop(contract: Uid): void
  /** Forgets everything. */
  clear(): void
  close(): void
}

/** As durable as the process. What is asked for is a copy each time, as of a file. */
export function memorySnapshots(): Snapshots {
  const kept = new Map<Uid, Kept & { isActive: boolean }>()
  const requests = new Map<string, RequestRef>()
  let reached: number | undefined
  return {
    get position() {
      return reached
    },
    put(contract, what, position, isActive = false) {
      kept.set(contract, { ...what, isActive })
      for (const [id, place] of what.requests) requests.set(`${contract} ${id}`, { ...place })
      reached = position
    },
    wake(contract) {
      const found = kept.get(contract)
      if (found !== undefined) found.isActive = true
    },
    passive(contract) {
      const found = kept.get(contract)
      return found?.isActive === false ? found.passive : undefined
    },
    snapshot: (contract) => kept.get(contract)?.snapshot,
    placeOf(contract, request) {
      const place = requests.get(`${contract} ${request}`)
      return place && { ...place }
    },
    passiveWith(party, after, limit) {
      const found = [...kept].filter(
        ([uid, { isActive, parties }]) => !isActive && uid > after && parties.includes(party),
      )
      return found
        .map(([uid]) => uid)
        .sort()
        .slice(0, limit)
    },
    drop(contract) {
      kept.delete(contract)
      for (const id of requests.keys()) if (id.startsWith(`${contract} `)) requests.delete(id)
    },
    clear() {
      kept.clear()
      requests.clear()
      reached = undefined
    },
    close() {},
  }
}
