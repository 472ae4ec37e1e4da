import type Database from 'better-sqlite3'
import type { ElementId, Handle, LedgerIndex, Uid } from '../../events/ids.ts'
import { LOCAL_IDS } from '../row-id.ts'
import { PendingRequests, type WaitingRequest } from './pending-requests.ts'

/** `pending`: signed, and not in the settled ledger yet; else the end that it came to (docs/request-lifecycle.md). */
export const requestStates = ['pending', 'accepted', 'void', 'refused', 'withdrawn'] as const
export type RequestState = (typeof requestStates)[number]

export interface RequestsWanted {
  readonly contract?: Uid
  readonly author?: Handle
  readonly state?: RequestState
  /** Whose commands name it, or something below it, and the one that has added it. */
  readonly element?: ElementId
  /** RFC 3339, UTC, in milliseconds: by the claims of their authors. */
  readonly since?: string
  /** Of the settled ones only those before that one, as `next` has it. */
  readonly before?: number
  readonly limit: number
}

export interface RequestRecord {
  readonly contract: Uid
  /** `<handle>.<seq>.<index>` */
  readonly request: string
  readonly by: Handle
  readonly time: string
  readonly state: RequestState
  readonly index?: LedgerIndex
  /** Why it is void or withdrawn. */
  readonly code?: string
  /** Of one that is pending. */
  readonly waitsFor?: { readonly what: WaitingRequest['what']; readonly of: readonly Handle[] }
}

export interface RequestsFound {
  readonly requests: readonly RequestRecord[]
  /** There are more, before that one. */
  readonly next?: number
}

interface PendingRow {
  readonly contract: number
  readonly uid: Uid
  readonly size: number
  readonly handle: Handle
  readonly seq: number
  readonly place: number
  readonly time: string
  readonly decision: string | null
}

interface SettledRow extends Omit<PendingRow, 'contract' | 'decision' | 'size'> {
  readonly id: number
  readonly ledgerIndex: LedgerIndex
  readonly outcome: Exclude<RequestState, 'pending'>
  readonly code: string | null
}

const FILTERS = `
  (@contract IS NULL OR uid = @contract) AND (@author IS NULL OR handle = @author) AND (@since IS NULL OR time >= @since)`
// Ids stand in commands as whole texts, and what is below begins with them and a dot.
const NAMED = `instr(commands, '"' || @element || '"') > 0 OR instr(commands, '"' || @element || '.') > 0`

/** Reads from a read model the requests of contracts: those on their way first, then the settled ones, the newest first. */
export class RequestRecords {
  readonly #pending
  readonly #settled
  readonly #added
  readonly #waiting

  constructor(database: Database.Database) {
    this.#added = database
      .prepare<[Uid, ElementId], number>(
        `SELECT contract * ${LOCAL_IDS} + added_at + 1 FROM Element JOIN HeldContract ON HeldContract.id = contract
         WHERE uid = ? AND key = ?`,
      )
      .pluck()
    this.#waiting = new PendingRequests(database)
    this.#pending = database.prepare<[Bound], PendingRow>(
      `SELECT Pending.contract, uid, size, handle, seq, place, time, decision FROM Pending
       JOIN HeldContract ON HeldContract.id = Pending.contract
       WHERE ${FILTERS} AND (@element IS NULL OR ${NAMED})
         AND (@state IS NULL OR @state = CASE WHEN decision = 'withdrawn' THEN 'withdrawn' ELSE 'pending' END)
       ORDER BY Pending.clock DESC, handle, place DESC LIMIT @limit`,
    )
    this.#settled = database.prepare<[Bound], SettledRow>(
      `SELECT Request.id, uid, handle, seq, place, time, ledger_index AS ledgerIndex, outcome, code FROM Request
       JOIN HeldContract ON HeldContract.id = Request.contract JOIN Party ON Party.id = Request.party
       WHERE ${FILTERS} AND (@element IS NULL OR ${NAMED} OR Request.id = @added)
         AND (@state IS NULL OR outcome = @state) AND (@before IS NULL OR Request.id < @before)
       ORDER BY Request.id DESC LIMIT @limit`,
    )
  }

  find({ author, before, contract, element, limit, since, state }: RequestsWanted): RequestsFound {
    const bound = {
      // What is added has no id yet in the commands that add it.
      added: (contract && element && this.#added.get(contract, element)) ?? null,
      author: author ?? null,
      before: before ?? null,
      contract: contract ?? null,
      element: element ?? null,
      limit,
      since: since ?? null,
      state: state ?? null,
    }
    const pending = before === undefined ? this.#pending.all(bound) : []
    const room = limit - pending.length
    const settled = room === 0 || state === 'pending' ? [] : this.#settled.all({ ...bound, limit: room + 1 })
    const shown = settled.slice(0, room)
    const last = shown.at(-1)
    return {
      requests: [...this.#shownPending(pending), ...shown.map(shownSettled)],
      ...(settled.length > room && last !== undefined && { next: last.id }),
    }
  }

  #shownPending(rows: readonly PendingRow[]): RequestRecord[] {
    const waiting = new Map(
      [...new Map(rows.map(({ contract, size }) => [contract, size]))].flatMap(([contract, size]) =>
        this.#waiting
          .of(contract, size)
          .map(({ of, request, what }) => [`${contract} ${keyOf(request)}`, { of, what }]),
      ),
    )
    return rows.map((row): RequestRecord => {
      const { contract, decision, handle: by, time, uid } = row
      const said = { by, contract: uid, request: keyOf(row), time }
      // Whoever else is down: its author has said so, and that is final.
      if (decision === 'withdrawn') return { ...said, state: 'withdrawn' }
      const waitsFor = waiting.get(`${contract} ${keyOf(row)}`)
      return { ...said, state: 'pending', ...(waitsFor && { waitsFor }) }
    })
  }
}

type Bound = Readonly<
  Record<'added' | 'author' | 'before' | 'contract' | 'element' | 'limit' | 'since' | 'state', string | number | null>
>

function shownSettled({
  code,
  handle: by,
  ledgerIndex: index,
  outcome: state,
  time,
  uid,
  ...row
}: SettledRow): RequestRecord {
  return {
    by,
    contract: uid,
    index,
    request: keyOf({ ...row, handle: by }),
    state,
    time,
    ...(code !== null && { code }),
  }
}

function keyOf({ handle, place, seq }: { handle: Handle; place: number; seq: number }): string {
  return `${handle}.${seq}.${place}`
}
