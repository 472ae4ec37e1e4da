import type Database from 'better-sqlite3'
import type { Hash } from '../../crypto/hash.ts'
import type { Handle, RequestRef } from '../../events/ids.ts'
import type { LedgerEntry } from '../../events/ledger-entry.ts'
import type { Outcome } from '../../events/outcome.ts'
import type { Statement } from '../../events/statement.ts'
import type { Carrier, ContractRows } from '../contract-rows.ts'
import { FoldFailed } from '../fold-failed.ts'
import { RowBuffer } from '../row-buffer.ts'
import { LOCAL_IDS } from '../row-id.ts'
import { partyOf } from './party-table.ts'

/**
 * Request is the settled ledger: row `base + index + 1` is entry `index`. `name` is the author's own for its intent, `time`
 * its own claim, `about` the seal of what it says about it, `about_in` the statement
 * that this came with (`<handle>.<seq>`, here and elsewhere), `outcome_about` of what it says about its withdrawal, `code` why it
 * is void or withdrawn, `detail` the outcome as the entry has it, unless it is `accepted`. Pending is what statements carry and
 * the ledger does not have yet, `decision` what its author has decided of it. Refusal is what members refuse, of
 * either. Dialogue is every member's answer to every settled request: who was a member there and did not refuse it has
 * acknowledged it, or it would not have settled.
 */
const SCHEMA = `
  CREATE TABLE Request (
    id           INTEGER PRIMARY KEY,
    contract     INTEGER NOT NULL,
    ledger_index INTEGER NOT NULL,
    party        INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    place        INTEGER NOT NULL,
    name         TEXT NOT NULL,
    time         TEXT NOT NULL,
    tentative    INTEGER NOT NULL,
    deadline     TEXT,
    about        TEXT,
    about_in     TEXT NOT NULL,
    commands     TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    code         TEXT,
    outcome_about TEXT,
    outcome_about_in TEXT,
    detail       TEXT,
    statement    TEXT NOT NULL,
    record       TEXT
  ) STRICT;
  CREATE INDEX Request_refused ON Request (id) WHERE outcome = 'refused';

  CREATE TABLE Pending (
    contract  INTEGER NOT NULL,
    handle    TEXT NOT NULL,
    seq       INTEGER NOT NULL,
    place     INTEGER NOT NULL,
    clock     INTEGER NOT NULL,
    name      TEXT NOT NULL,
    time      TEXT NOT NULL,
    tentative INTEGER NOT NULL,
    deadline  TEXT,
    about     TEXT,
    decision  TEXT,
    commands  TEXT NOT NULL,
    PRIMARY KEY (contract, handle, seq, place)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE Refusal (
    contract INTEGER NOT NULL,
    handle   TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    place    INTEGER NOT NULL,
    by       TEXT NOT NULL,
    code     TEXT NOT NULL,
    about    TEXT,
    about_in TEXT NOT NULL,
    PRIMARY KEY (contract, handle, seq, place, by)
  ) STRICT, WITHOUT ROWID;

  CREATE VIEW Dialogue (request, contract, party, answer, code, about, about_in) AS
    SELECT Request.id, Request.contract, Market.id,
           CASE WHEN Refusal.by IS NULL THEN 'acknowledged' ELSE 'refused' END,
           Refusal.code, Refusal.about, Refusal.about_in
    FROM Request
    JOIN Party AS author ON author.id = Request.party
    CROSS JOIN Market ON Market.id > Request.contract * ${LOCAL_IDS} AND Market.id < (Request.contract + 1) * ${LOCAL_IDS}
      AND (Market.admitted_at < Request.ledger_index)
      AND (Market.standing = 'member' OR Market.ended_at >= Request.ledger_index)
      AND Market.party <> Request.party
    JOIN Party AS answering ON answering.id = Market.id
    LEFT JOIN Refusal ON Refusal.contract = Request.contract AND Refusal.handle = author.handle
      AND Refusal.seq = Request.seq AND Refusal.place = Request.place AND Refusal.by = answering.handle;
`

const REQUEST_COLUMNS = [
  'id',
  'contract',
  'ledger_index',
  'party',
  'seq',
  'place',
  'name',
  'time',
  'tentative',
  'deadline',
  'about',
  'about_in',
  'commands',
  'outcome',
  'code',
  'outcome_about',
  'outcome_about_in',
  'detail',
  'statement',
  'record',
]
const PENDING_COLUMNS = [
  'contract',
  'handle',
  'seq',
  'place',
  'clock',
  'name',
  'time',
  'tentative',
  'deadline',
  'about',
  'decision',
  'commands',
]

/** What a statement says of a request that its ledger entry does not. */
export interface Carried {
  readonly clock: number
  readonly name: string
  readonly time: string
  readonly tentative: number
  readonly deadline: string | null
  readonly about: Hash | null
  readonly commands: string
}

export class RequestTable {
  static readonly schema = SCHEMA
  readonly #settled: RowBuffer
  readonly #pending: RowBuffer
  readonly #refusals: RowBuffer
  readonly #find
  readonly #remove
  readonly #removeOf
  readonly #decide

  constructor(database: Database.Database) {
    this.#settled = new RowBuffer(database, 'Request', REQUEST_COLUMNS)
    this.#pending = new RowBuffer(database, 'Pending', PENDING_COLUMNS)
    this.#refusals = new RowBuffer(database, 'Refusal', [
      'contract',
      'handle',
      'seq',
      'place',
      'by',
      'code',
      'about',
      'about_in',
    ])
    const one = 'WHERE contract = ? AND handle = ? AND seq = ? AND place = ?'
    this.#find = database.prepare<[number, Handle, number, number], Carried>(
      `SELECT clock, name, time, tentative, deadline, about, commands FROM Pending ${one}`,
    )
    this.#remove = database.prepare(`DELETE FROM Pending ${one}`)
    this.#removeOf = database.prepare('DELETE FROM Pending WHERE contract = ? AND handle = ?')
    this.#decide = database.prepare(`UPDATE Pending SET decision = ? ${one}`)
  }

  /** Requests, refusals and decisions of a statement that is new. Those of somebody who has left do not exist. */
  stated(page: ContractRows, { party, seq, clock, time, requests, refusals, decided }: Statement): void {
    for (const { request, code, about = null } of refusals) {
      this.#refusals.push([
        page.number,
        request.handle,
        request.seq,
        request.index,
        party,
        code,
        about,
        keyOf(party, seq),
      ])
    }
    for (const { request, decision } of decided) this.#decided(page, request, decision)
    if (requests.length === 0 || page.parties.get(party)?.isFormer) return
    const carrier: Carrier = { handle: party, seq, clock, time, requests, decisions: new Map(), next: 0 }
    page.carriers.set(keyOf(party, seq), carrier)
  }

  /** What the statement that carries the request said of it. Throws FoldFailed if it is not there. */
  find(page: ContractRows, { handle, seq, index }: RequestRef): Carried {
    const carrier = page.carriers.get(keyOf(handle, seq))
    const found = carrier === undefined ? this.#find.get(page.number, handle, seq, index) : carriedBy(carrier, index)
    if (found !== undefined) return found
    throw new FoldFailed(`the ledger has a request that no statement carries: ${handle}.${seq}.${index}`, {
      handle,
      seq,
      index,
    })
  }

  settled(page: ContractRows, entry: LedgerEntry, carried: Carried): void {
    const { index, request, outcome, statement, record } = entry
    const { handle, seq, index: place } = request
    const carrier = page.carriers.get(keyOf(handle, seq))
    if (carrier === undefined) this.#remove.run(page.number, handle, seq, place)
    else if (place + 1 === carrier.requests.length) page.carriers.delete(keyOf(handle, seq))
    else carrier.next = place + 1
    const { name, time, tentative, deadline, about, commands } = carried
    this.#settled.push([
      page.base + index + 1,
      page.number,
      index,
      partyOf(page, handle).id,
      seq,
      place,
      name,
      time,
      tentative,
      deadline,
      about,
      keyOf(handle, seq),
      commands,
      outcome.kind,
      codeOf(outcome),
      (outcome.kind === 'withdrawn' ? outcome.about : undefined) ?? null,
      outcome.kind === 'withdrawn' ? keyOf(handle, outcome.seq) : null,
      outcome.kind === 'accepted' ? null : JSON.stringify(outcome),
      statement,
      record ?? null,
    ])
  }

  /** Whatever else a party has asked for does not exist any more. */
  resigned(page: ContractRows, handle: Handle): void {
    for (const [key, carrier] of page.carriers) if (carrier.handle === handle) page.carriers.delete(key)
    this.#removeOf.run(page.number, handle)
  }

  /** What the page still carries becomes pending. */
  *saving(page: ContractRows): Generator<void, void> {
    for (const carrier of page.carriers.values()) {
      const { handle, seq, clock, decisions } = carrier
      for (let place = carrier.next; place < carrier.requests.length; place++) {
        const { name, time, tentative, deadline, about, commands } = carriedBy(carrier, place) as Carried
        const decision = decisions.get(place) ?? null
        const key = [page.number, handle, seq, place]
        this.#pending.push([...key, clock, name, time, tentative, deadline, about, decision, commands])
      }
      yield
    }
    page.carriers.clear()
  }

  *flushing(): Generator<void, void> {
    yield* this.#settled.flushing()
    yield* this.#pending.flushing()
    yield* this.#refusals.flushing()
  }

  drop(): void {
    this.#settled.drop()
    this.#pending.drop()
    this.#refusals.drop()
  }

  #decided(page: ContractRows, { handle, seq, index }: RequestRef, decision: string): void {
    const carrier = page.carriers.get(keyOf(handle, seq))
    if (carrier !== undefined) carrier.decisions.set(index, decision)
    else this.#decide.run(decision, page.number, handle, seq, index)
  }
}

function carriedBy({ clock, time, requests }: Carrier, place: number): Carried | undefined {
  const request = requests[place]
  if (request === undefined) return undefined
  const { id: name, tentative, deadline = null, about = null, commands } = request
  const how = { tentative: Number(tentative === true), deadline, about }
  return { clock, name, time, ...how, commands: JSON.stringify(commands) }
}

/** Why it is void, or withdrawn; of refusals there may be several. */
function codeOf(outcome: Outcome): string | null {
  if (outcome.kind === 'void') return outcome.reason.code
  return outcome.kind === 'withdrawn' ? outcome.code : null
}

function keyOf(handle: Handle, seq: number): string {
  return `${handle}.${seq}`
}
