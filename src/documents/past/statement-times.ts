import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { BoundedCache } from '../../crypto/bounded-cache.ts'
import { type Handle, type Seq, TimeSchema, type Uid } from '../../events/ids.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import { jsonOf } from '../../runtime/parse-json.ts'
import type { EventStore } from '../../store/port.ts'
import { feedStream } from '../../store/streams.ts'

/** Of a statement in the store, which is compared with its signature when the contract is loaded. */
const timedForm = Compile(Type.Object({ statement: Type.Object({ time: TimeSchema }) }))
const timeForm = Compile(TimeSchema)
/** As canonical JSON of a statement ends: a quotation mark within a text has a backslash before it, so this stands in none. */
const TIME_AT_END = /,"time":"([^"\\]+)","v":\d+\}\}$/
const END_CHARACTERS = 64

/** For whoever goes through many: requests that follow each other are mostly in statements that do. */
export const STATEMENTS_AT_ONCE = 32
const KNOWN_MAX = 1_024

/** When entries of a ledger, which are looked at one after another, were made, as their authors say. */
export class StatementTimes {
  readonly #events: EventStore
  readonly #contract: Uid
  readonly #atOnce: number
  /** By places of statements: those that were read last. */
  readonly #known = new BoundedCache<string>(KNOWN_MAX)

  /** `atOnce`: how many statements of a feed are read where one is asked for. */
  constructor(events: EventStore, contract: Uid, atOnce = 1) {
    this.#events = events
    this.#contract = contract
    this.#atOnce = atOnce
  }

  /** Of the statement that carries the request; '' where that says none. */
  async of({ request: { handle, seq } }: Pick<LedgerEntry, 'request'>): Promise<string> {
    const known = this.#known.get(placeOf(handle, seq))
    if (known !== undefined) return known
    await this.#read(handle, seq)
    return this.#known.get(placeOf(handle, seq)) ?? ''
  }

  async #read(handle: Handle, seq: Seq): Promise<void> {
    const range = { from: seq, limit: this.#atOnce }
    for await (const { data, revision } of this.#events.read(feedStream(this.#contract, handle), range))
      this.#known.set(placeOf(handle, revision as Seq), timeIn(data))
  }
}

/** Mostly without the rest of the statement, which takes ten times as long. '' where it says none. */
function timeIn(statement: string): string {
  const [, time] = TIME_AT_END.exec(statement.slice(-END_CHARACTERS)) ?? []
  if (time !== undefined && timeForm.Check(time)) return time
  return jsonOf(timedForm, statement)?.statement.time ?? ''
}

function placeOf(handle: Handle, seq: Seq): string {
  return `${handle}.${seq}`
}
