import type Database from 'better-sqlite3'
import type { Handle } from '../../events/ids.ts'

/** A request that stands in a statement and not in the ledger yet. */
export interface PendingRequest {
  readonly handle: Handle
  readonly seq: number
  readonly place: number
  readonly clock: number
  readonly name: string
  readonly time: string
  readonly tentative: number
  readonly deadline: string | null
  readonly decision: string | null
}

/** What a request needs next, and of whom; the words of `contracts/requests/progress.ts`. */
export interface WaitingRequest {
  readonly request: PendingRequest
  readonly what: 'answer' | 'decision' | 'order' | 'head'
  readonly of: readonly Handle[]
}

/** Of each party the newest statement in a causal past. */
type Reach = ReadonlyMap<Handle, number>

/** For whom what is pending in contracts waits, from the rows alone. */
export class PendingRequests {
  readonly #pending
  readonly #statements
  readonly #members

  constructor(database: Database.Database) {
    this.#pending = database.prepare<[contract: number], PendingRequest>(
      `SELECT handle, seq, place, clock, name, time, tentative, deadline, decision FROM Pending
       WHERE contract = ?`,
    )
    this.#statements = database.prepare<[contract: number], { handle: Handle; seq: number; seen: string }>(
      'SELECT handle, seq, seen FROM Statement WHERE contract = ? ORDER BY clock, handle',
    )
    this.#members = database.prepare<[contract: number], { handle: Handle; signed: number }>(
      `SELECT Party.handle, coalesce(Feed.head_size, 0) AS signed
       FROM Market JOIN Party USING (id)
       LEFT JOIN Feed ON Feed.contract = Market.contract AND Feed.handle = Party.handle
       WHERE Market.contract = ? AND standing = 'member' ORDER BY admitted_at`,
    )
  }

  /** In ledger order, as far as that is known: changes of membership on the way are not looked ahead to. */
  of(contract: number, size: number): WaitingRequest[] {
    const members = this.#members.all(contract)
    const reaches = this.#reaches(contract)
    const admission = new Map(members.map(({ handle }, index) => [handle, index]))
    const inOrder = this.#pending
      .all(contract)
      .sort(
        (one, other) =>
          one.clock - other.clock ||
          (admission.get(one.handle) ?? 0) - (admission.get(other.handle) ?? 0) ||
          one.place - other.place,
      )
    const waiting: WaitingRequest[] = []
    let first: PendingRequest | undefined
    for (const [rank, request] of inOrder.entries()) {
      const unanswered = members
        .map(({ handle }) => handle)
        .filter((handle) => handle !== request.handle && !covers(reaches.get(handle), request))
      const isUndecided = request.tentative === 1 && request.decision === null
      if (unanswered.length > 0) waiting.push({ request, what: 'answer', of: unanswered })
      else if (isUndecided) waiting.push({ request, what: 'decision', of: [request.handle] })
      else if (first !== undefined) waiting.push({ request, what: 'order', of: [first.handle] })
      else {
        const of = members.filter(({ signed }) => signed <= size + rank).map(({ handle }) => handle)
        waiting.push({ request, what: 'head', of })
      }
      if (unanswered.length > 0 || isUndecided) first ??= request
    }
    return waiting
  }

  /** What each party's newest statement covers of those that are kept: nothing older can matter. */
  #reaches(contract: number): Map<Handle, Reach> {
    const newest = new Map<Handle, Reach>()
    const all = new Map<string, Reach>()
    for (const { handle, seq, seen } of this.#statements.all(contract)) {
      const reach = new Map(newest.get(handle))
      reach.set(handle, seq)
      for (const [other, at] of Object.entries(JSON.parse(seen) as Record<Handle, number>) as [Handle, number][]) {
        raise(reach, other, at)
        for (const [further, upTo] of all.get(`${other}.${at}`) ?? []) raise(reach, further, upTo)
      }
      newest.set(handle, reach)
      all.set(`${handle}.${seq}`, reach)
    }
    return newest
  }
}

function raise(reach: Map<Handle, number>, handle: Handle, seq: number): void {
  if ((reach.get(handle) ?? -1) < seq) reach.set(handle, seq)
}

function covers(reach: Reach | undefined, { handle, seq }: PendingRequest): boolean {
  return (reach?.get(handle) ?? -1) >= seq
}
