import type Database from 'better-sqlite3'
import type { CandidateEnd, ContractEvent } from '../../events/contract-events.ts'
import type { ElementId, ProposalId } from '../../events/ids.ts'
import type { ContractRows, FieldRef, StandingProposal } from '../contract-rows.ts'
import { FoldFailed } from '../fold-failed.ts'
import { RowBuffer } from '../row-buffer.ts'
import { LOCAL_IDS } from '../row-id.ts'
import type { ElementTable, RemovedElement } from './element-table.ts'
import { partyOf } from './party-table.ts'

/**
 * Values put forward, by their seals: the values themselves stay in the payload store, where they can be erased. Those
 * that stand have no `ended_at` (a ledger index); `ended_by` says what ended them: `replaced`, `emptied`, `withdrawn`,
 * `turned_down`, `conflict`, or `removed` together with the field. `agreed_at`: null for a candidate. No `seal`: that the
 * field be emptied; `audience`: the handles of those who get a confidential value, as JSON; `revealed_in`: the group of payloads
 * in which it has come to everybody; no `party`: a rule has computed it. Voter: who is asked to vote YES; a candidate that nobody is asked about, or that has all these votes,
 * is in conflict. Of a party's votes on one proposal only the last counts: `superseded_at` says when another took the place
 * of this one.
 */
const SCHEMA = `
  CREATE TABLE Proposal (
    id       INTEGER PRIMARY KEY,
    contract INTEGER NOT NULL,
    element  INTEGER NOT NULL,
    party    INTEGER,
    request  INTEGER NOT NULL,
    name     TEXT NOT NULL,
    seal        TEXT,
    audience    TEXT,
    revealed_in TEXT,
    made_at   INTEGER NOT NULL,
    agreed_at INTEGER,
    ended_at  INTEGER,
    ended_by  TEXT
  ) STRICT;
  CREATE INDEX Proposal_standing ON Proposal (element) WHERE ended_at IS NULL;
  CREATE INDEX Proposal_at ON Proposal (element);
  CREATE INDEX Proposal_of ON Proposal (request);

  CREATE TABLE Voter (
    contract INTEGER NOT NULL,
    proposal INTEGER NOT NULL,
    party    INTEGER NOT NULL,
    PRIMARY KEY (proposal, party)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE Vote (
    id            INTEGER PRIMARY KEY,
    contract      INTEGER NOT NULL,
    proposal      INTEGER NOT NULL,
    party         INTEGER NOT NULL,
    vote          TEXT NOT NULL,
    about         TEXT,
    about_in      TEXT,
    cast_at       INTEGER NOT NULL,
    superseded_at INTEGER
  ) STRICT;
  CREATE INDEX Vote_on ON Vote (proposal);
`

const COLUMNS = [
  'id',
  'contract',
  'element',
  'party',
  'request',
  'name',
  'seal',
  'audience',
  'revealed_in',
  'made_at',
  'agreed_at',
  'ended_at',
  'ended_by',
]
const REVEALED_IN = COLUMNS.indexOf('revealed_in')
const AGREED_AT = COLUMNS.indexOf('agreed_at')
const ENDED_AT = COLUMNS.indexOf('ended_at')
const ENDED_BY = COLUMNS.indexOf('ended_by')

export type ProposalEvent = Extract<
  ContractEvent,
  {
    type:
      | 'ValueProposed'
      | 'VotersNamed'
      | 'ProposalAgreed'
      | 'CandidateEnded'
      | 'VoteCast'
      | 'ValueComputed'
      | 'ValueRevealed'
  }
>
type Ending = CandidateEnd | 'emptied' | 'removed'

/** A candidate, row `P` of Proposal, that is in conflict: it waits for no vote. */
export const IN_CONFLICT = `P.ended_at IS NULL AND P.agreed_at IS NULL AND NOT EXISTS (
  SELECT 1 FROM Voter JOIN Market ON Market.id = Voter.party
  WHERE Voter.proposal = P.id AND Market.standing = 'member' AND Voter.party NOT IN (
    SELECT party FROM Vote WHERE proposal = P.id AND vote = 'yes' AND superseded_at IS NULL
  )
)`

/** Handles of the members without whose YES a candidate, by its id, waits. */
export const MISSING_VOTES = `
  SELECT handle FROM Voter JOIN Market ON Market.id = Voter.party JOIN Party ON Party.id = Voter.party
  WHERE Voter.proposal = ? AND Market.standing = 'member' AND NOT EXISTS (
    SELECT 1 FROM Vote
    WHERE proposal = Voter.proposal AND party = Voter.party AND vote = 'yes' AND superseded_at IS NULL
  ) ORDER BY Voter.party`

/** Fields that are remembered between batches, of one contract. */
const REMEMBERED_MAX = 4096

export class ProposalTable {
  static readonly schema = SCHEMA
  readonly #elements: ElementTable
  readonly #rows: RowBuffer
  readonly #lastProposal
  readonly #lastVote
  readonly #standing
  readonly #agree
  readonly #revealIn
  readonly #end
  readonly #endAt
  readonly #supersede
  readonly #addVote
  readonly #addVoter
  #batch = 0

  constructor(database: Database.Database, elements: ElementTable) {
    this.#elements = elements
    this.#rows = new RowBuffer(database, 'Proposal', COLUMNS)
    const last = (table: string) =>
      database
        .prepare<[from: number, to: number], number | null>(`SELECT max(id) FROM ${table} WHERE id > ? AND id < ?`)
        .pluck()
    this.#lastProposal = last('Proposal')
    this.#lastVote = last('Vote')
    this.#standing = database.prepare<
      [element: number],
      { id: number; name: ProposalId; isEmptying: number; isAgreed: number }
    >(
      `SELECT id, name, seal IS NULL AS isEmptying, agreed_at IS NOT NULL AS isAgreed
       FROM Proposal WHERE element = ? AND ended_at IS NULL ORDER BY id`,
    )
    this.#agree = database.prepare('UPDATE Proposal SET agreed_at = ? WHERE id = ?')
    this.#revealIn = database.prepare('UPDATE Proposal SET revealed_in = ? WHERE id = ?')
    this.#addVoter = database.prepare('INSERT INTO Voter (contract, proposal, party) VALUES (?, ?, ?)')
    this.#end = database.prepare('UPDATE Proposal SET ended_at = ?, ended_by = ? WHERE id = ?')
    this.#endAt = database.prepare(
      `UPDATE Proposal SET ended_at = ?, ended_by = 'removed'
       WHERE element IN (SELECT value FROM json_each(?)) AND ended_at IS NULL`,
    )
    this.#supersede = database.prepare(
      'UPDATE Vote SET superseded_at = ? WHERE proposal = ? AND party = ? AND superseded_at IS NULL',
    )
    this.#addVote = database.prepare(
      'INSERT INTO Vote (id, contract, proposal, party, vote, about, about_in, cast_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    )
  }

  /** How many proposals and votes a contract has. */
  counts(base: number): { proposals: number; votes: number } {
    const count = (last: number | null | undefined) => (last ? last - base : 0)
    return {
      proposals: count(this.#lastProposal.get(base, base + LOCAL_IDS)),
      votes: count(this.#lastVote.get(base, base + LOCAL_IDS)),
    }
  }

  /**
   * Where as many fields are remembered as can be, all are forgotten. Of a field that is not remembered nothing waits to be written:
   * forgetting comes with writing.
   */
  *makingRoom(page: ContractRows): Generator<void, void> {
    if (page.fields.size < REMEMBERED_MAX) return
    yield* this.flushing()
    page.fields.clear()
  }

  /** Requires that there is room for one field more. */
  apply(page: ContractRows, event: ProposalEvent): void {
    const field = this.#field(page, event.field)
    switch (event.type) {
      case 'ValueProposed': {
        this.#propose(page, field, event)
        break
      }
      case 'VotersNamed': {
        const { id } = standingAt(field, event.proposal)
        for (const voter of event.voters) this.#addVoter.run(page.number, id, partyOf(page, voter).id)
        break
      }
      case 'ValueComputed':
        this.#compute(page, field, event)
        break
      case 'ValueRevealed':
        this.#reveal(page, standingAt(field, event.proposal))
        break
      case 'ProposalAgreed':
        this.#agreeOn(page, field, standingAt(field, event.proposal))
        break
      case 'CandidateEnded':
        this.#finish(page, field, standingAt(field, event.proposal), event.why)
        break
      case 'VoteCast': {
        const { id } = standingAt(field, event.proposal)
        const party = partyOf(page, event.by).id
        this.#supersede.run(page.size, id, party)
        const vote = [id, party, event.vote, event.about ?? null, page.carrier, page.size]
        this.#addVote.run(page.base + ++page.votes, page.number, ...vote)
        break
      }
    }
  }

  /** What stands at fields that were removed, stands no more. */
  removed(page: ContractRows, elements: readonly RemovedElement[]): void {
    const others: number[] = []
    for (const { id, key } of elements) {
      const field = page.fields.get(key)
      if (field === undefined) others.push(id)
      else for (const standing of field.standing) this.#finish(page, field, standing, 'removed')
      page.fields.delete(key)
    }
    if (others.length > 0) this.#endAt.run(page.size, JSON.stringify(others))
  }

  *flushing(): Generator<void, void> {
    this.#batch++
    yield* this.#rows.flushing()
  }

  drop(): void {
    this.#batch++
    this.#rows.drop()
  }

  #propose(page: ContractRows, field: FieldRef, event: Extract<ProposalEvent, { type: 'ValueProposed' }>): void {
    const id = page.base + ++page.proposals
    const { audience, proposal: name, by, seal } = event
    const request = page.base + page.size + 1
    const place = [id, page.number, field.id, partyOf(page, by).id, request]
    const meant = audience === undefined ? null : JSON.stringify(audience)
    const row = this.#rows.push([...place, name, seal, meant, null, page.size, null, null, null])
    field.standing.push({ id, name, isEmptying: seal === null, isAgreed: false, row, batch: this.#batch })
  }

  #compute(page: ContractRows, field: FieldRef, event: Extract<ProposalEvent, { type: 'ValueComputed' }>): void {
    const before = field.standing.find(({ isAgreed }) => isAgreed)
    const { proposal: name, seal } = event
    if (before !== undefined) this.#finish(page, field, before, seal === null ? 'emptied' : 'replaced')
    if (seal === null) return
    const id = page.base + ++page.proposals
    const place = [id, page.number, field.id, null, page.base + page.size + 1]
    const row = this.#rows.push([...place, name, seal, null, null, page.size, page.size, null, null])
    field.standing.push({ id, name, isEmptying: false, isAgreed: true, row, batch: this.#batch })
  }

  #agreeOn(page: ContractRows, field: FieldRef, proposal: StandingProposal): void {
    const before = field.standing.find(({ isAgreed }) => isAgreed)
    if (before !== undefined) this.#finish(page, field, before, proposal.isEmptying ? 'emptied' : 'replaced')
    proposal.isAgreed = true
    if (proposal.row !== undefined && proposal.batch === this.#batch) proposal.row[AGREED_AT] = page.size
    else this.#agree.run(page.size, proposal.id)
    if (proposal.isEmptying) this.#finish(page, field, proposal, 'emptied')
  }

  #reveal(page: ContractRows, standing: StandingProposal): void {
    if (standing.row !== undefined && standing.batch === this.#batch) standing.row[REVEALED_IN] = page.carrier
    else this.#revealIn.run(page.carrier, standing.id)
  }

  #finish(page: ContractRows, field: FieldRef, standing: StandingProposal, ending: Ending): void {
    field.standing = field.standing.filter((other) => other !== standing)
    if (standing.row !== undefined && standing.batch === this.#batch) {
      standing.row[ENDED_AT] = page.size
      standing.row[ENDED_BY] = ending
    } else this.#end.run(page.size, ending, standing.id)
  }

  #field(page: ContractRows, key: ElementId): FieldRef {
    const known = page.fields.get(key)
    if (known !== undefined) return known
    const id = this.#elements.idOf(page, key)
    const field = { id, standing: this.#standing.all(id).map(standingFrom) }
    page.fields.set(key, field)
    return field
  }
}

function standingAt({ standing }: FieldRef, name: ProposalId): StandingProposal {
  const found = standing.find((other) => other.name === name)
  if (found === undefined) throw new FoldFailed(`the ledger names ${name}, which does not stand`, { proposal: name })
  return found
}

function standingFrom(row: { id: number; name: ProposalId; isEmptying: number; isAgreed: number }): StandingProposal {
  return { id: row.id, name: row.name, isEmptying: row.isEmptying === 1, isAgreed: row.isAgreed === 1, batch: -1 }
}
