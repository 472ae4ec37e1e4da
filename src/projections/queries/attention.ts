import type Database from 'better-sqlite3'
import type { EngineVote } from '../../aggregates/contract/state.ts'
import type { UpgradeVote } from '../../aggregates/contract/templates/template-book.ts'
import type { Hash } from '../../crypto/hash.ts'
import {
  type ElementId,
  type EngineVersion,
  type Handle,
  type ProposalId,
  requestKey,
  type Uid,
} from '../../events/ids.ts'
import type { RefusedBy } from '../../events/outcome.ts'
import { Checkpoints, type Failure } from '../checkpoint.ts'
import { MISSING_VOTERS } from '../tables/change-set-table.ts'
import { IN_CONFLICT, MISSING_VOTES } from '../tables/proposal-table.ts'
import { PendingRequests, type WaitingRequest } from './pending-requests.ts'
import type { RecordedAbout } from './recorded-about.ts'

/** The first items of one kind, and how many there are in all. */
export interface Listed<T> {
  readonly count: number
  readonly items: readonly T[]
}

interface InContract {
  readonly contract: Uid
  readonly title: string | null
}

/** What people should look at, over all contracts (design §8). No values. */
export interface Attention {
  /** Fields at which a candidate is in conflict. */
  readonly conflicts: Listed<InContract & { readonly path: string; readonly by: readonly Handle[] }>
  /** Requests whose deadline is past, or that were made long ago, and for whom each waits. */
  readonly overdue: Listed<
    InContract & {
      readonly request: string
      readonly name: string
      readonly time: string
      readonly deadline: string | null
      readonly waitsFor: Omit<WaitingRequest, 'request'>
    }
  >
  /** Requests that members refused, the newest of each contract first. */
  readonly refusals: Listed<
    InContract & {
      readonly request: string
      readonly index: number
      readonly by: readonly RefusedBy[]
    }
  >
  /** Proven: two statements for one place, or a head that is not that of the ledger. */
  readonly misbehaviour: Listed<InContract & { readonly kind: string; readonly party: Handle; readonly seq: number }>
  /** Members that have signed for less than another member has. */
  readonly behind: Listed<
    InContract & { readonly party: Handle; readonly signedSize: number; readonly longestSize: number }
  >
  /** Contracts in which some members have voted for a newer engine, and others have not, or for another. */
  readonly upgrades: Listed<
    InContract & {
      readonly engine: EngineVersion
      readonly votes: readonly EngineVote[]
      /** Members without a vote. */
      readonly waitsFor: readonly Handle[]
    }
  >
  /** Change sets that wait for votes, and whose. */
  readonly changeSets: Listed<
    InContract & { readonly request: string; readonly by: Handle; readonly waitsFor: readonly Handle[] }
  >
  /** Values that wait for the vote of this node's party, and for whose else. */
  readonly votes: Listed<
    InContract & {
      readonly path: string
      readonly proposal: ProposalId
      readonly by: Handle
      readonly waitsFor: readonly Handle[]
    }
  >
  /** Values that wait for the votes of others, and of which a validation rule notifies this party. */
  readonly notices: Attention['votes']
  /** What some members want erased, and others have not voted for: who has asked, by which entry, and the seal of why. */
  readonly erasures: Listed<
    InContract &
      RecordedAbout & {
        readonly erasure: Hash
        readonly by: Handle
        readonly castAt: number
        readonly votes: readonly Handle[]
        readonly waitsFor: readonly Handle[]
      }
  >
  /** What came from templates, and some members want to go on as another one has it, while others have not voted for that. */
  readonly templates: Listed<
    InContract & {
      readonly element: ElementId
      readonly template: Hash
      readonly votes: readonly Pick<UpgradeVote, 'by' | 'to'>[]
      readonly waitsFor: readonly Handle[]
    }
  >
  /** Contracts that are set aside in the read model. */
  readonly standingStill: Listed<Failure>
}

type AskedErasure = Omit<Attention['erasures']['items'][number], 'votes' | 'waitsFor'>

export interface AttentionQuery {
  /** The party of this node. */
  readonly self: Handle
  /** Milliseconds since the epoch. */
  readonly now: number
  /** A request without a deadline is overdue when it is older, by its author's claim. */
  readonly overdueAfterMs: number
  /** Items of each kind. */
  readonly limit: number
}

/** Of a row of a contract: that has not been given up. */
/** A candidate that waits for votes. */
interface WaitingRow {
  readonly id: number
  readonly element: number
  readonly proposal: ProposalId
  readonly by: Handle
}

const IS_HELD = 'contract IN (SELECT id FROM HeldContract)'

/** Reads the attention list from a read model. */
export class AttentionList {
  readonly #database: Database.Database
  readonly #waiting: PendingRequests
  readonly #checkpoints: Checkpoints

  constructor(database: Database.Database) {
    this.#database = database
    this.#waiting = new PendingRequests(database)
    this.#checkpoints = new Checkpoints(database)
  }

  /** All of one moment. */
  read(query: AttentionQuery): Attention {
    return this.#database.transaction(() => ({
      conflicts: this.#conflicts(query),
      overdue: this.#overdue(query),
      refusals: this.#refusals(query),
      misbehaviour: this.#misbehaviour(query),
      behind: this.#behind(query),
      upgrades: this.#upgrades(query),
      changeSets: this.#changeSets(query),
      votes: this.#votes(query),
      notices: this.#notices(query),
      erasures: this.#erasures(query),
      templates: this.#templates(query),
      standingStill: listed(this.#checkpoints.failures(), query.limit),
    }))()
  }

  #conflicts({ limit }: AttentionQuery): Attention['conflicts'] {
    const elements = this.#database
      .prepare<[], { element: number }>(
        `SELECT DISTINCT element FROM Proposal AS P WHERE ${IN_CONFLICT} AND ${IS_HELD} ORDER BY element`,
      )
      .all()
    const by = this.#database
      .prepare<[number], Handle>(
        `SELECT handle FROM Proposal JOIN Party ON Party.id = Proposal.party
         WHERE element = ? AND ended_at IS NULL ORDER BY Proposal.id`,
      )
      .pluck()
    const items = elements.slice(0, limit).map(({ element }) => ({ ...this.#placeOf(element), by: by.all(element) }))
    return { count: elements.length, items }
  }

  #placeOf(element: number): InContract & { readonly path: string } {
    const about = this.#database.prepare<[number], InContract & { name: string; parent: number | null }>(
      `SELECT uid AS contract, title, name, parent FROM DocumentElement AS element
       JOIN Contract ON Contract.id = element.contract WHERE element.id = ?`,
    )
    const names: string[] = []
    const { contract, title } = about.get(element) as InContract
    for (let at = about.get(element); at !== undefined && at.parent !== null; at = about.get(at.parent)) {
      names.unshift(at.name)
    }
    return { contract, title, path: names.map(encodeURIComponent).join('/') }
  }

  #votes({ limit, self }: AttentionQuery): Attention['votes'] {
    const rows = this.#database
      .prepare<[Handle], WaitingRow>(
        `SELECT P.id, P.element, P.name AS proposal, author.handle AS "by"
         FROM Voter JOIN Party AS asked ON asked.id = Voter.party JOIN Proposal AS P ON P.id = Voter.proposal
         JOIN Party AS author ON author.id = P.party
         WHERE asked.handle = ? AND P.ended_at IS NULL AND P.agreed_at IS NULL AND P.${IS_HELD} AND NOT EXISTS (
           SELECT 1 FROM Vote WHERE proposal = P.id AND party = Voter.party AND vote = 'yes' AND superseded_at IS NULL
         ) ORDER BY P.id`,
      )
      .all(self)
    return this.#waitingForVotes(rows, limit)
  }

  /** By the rules in force on the way from the root to the field; a rule at a prototype governs all that is made of it. */
  #notices({ limit, self }: AttentionQuery): Attention['notices'] {
    const rows = this.#database
      .prepare<[{ self: Handle }], WaitingRow>(
        `WITH RECURSIVE Telling (element, contract) AS (
           SELECT R.element, R.contract FROM Rule AS R JOIN RuleSet ON RuleSet.id = R.rule_set AND RuleSet.active = 1
           WHERE R.kind = 'validation' AND R.in_force IS NOT NULL AND R.${IS_HELD}
             AND @self IN (SELECT value FROM json_each(R.body, '$.notify'))
         ), Way (proposal, element) AS (
           SELECT P.id, P.element FROM Proposal AS P
           WHERE P.ended_at IS NULL AND P.agreed_at IS NULL AND P.contract IN (SELECT contract FROM Telling)
             AND EXISTS (SELECT 1 FROM Voter WHERE proposal = P.id)
           UNION ALL
           SELECT proposal, E.parent FROM Way JOIN Element AS E ON E.id = Way.element WHERE E.parent IS NOT NULL
         )
         SELECT P.id, P.element, P.name AS proposal, author.handle AS "by" FROM Proposal AS P JOIN Party AS author ON author.id = P.party
         WHERE P.id IN (
           SELECT Way.proposal FROM Way JOIN Element AS E ON E.id = Way.element
           JOIN Telling ON Telling.element = E.id OR Telling.element = E.prototype
         ) AND author.handle IS NOT @self AND NOT EXISTS (
           SELECT 1 FROM Voter JOIN Party AS asked ON asked.id = Voter.party
           WHERE Voter.proposal = P.id AND asked.handle = @self
         ) ORDER BY P.id`,
      )
      .all({ self })
    return this.#waitingForVotes(rows, limit)
  }

  #waitingForVotes(rows: readonly WaitingRow[], limit: number): Attention['votes'] {
    const missing = this.#database.prepare<[number], Handle>(MISSING_VOTES).pluck()
    const items = rows.slice(0, limit).map(({ id, element, proposal, by }) => {
      return { ...this.#placeOf(element), proposal, by, waitsFor: missing.all(id) }
    })
    return { count: rows.length, items }
  }

  #overdue({ now, overdueAfterMs, limit }: AttentionQuery): Attention['overdue'] {
    const [before, madeBefore] = [new Date(now).toISOString(), new Date(now - overdueAfterMs).toISOString()]
    const contracts = this.#database
      .prepare<[string, string], InContract & { id: number; size: number }>(
        `SELECT id, uid AS contract, title, size FROM HeldContract
         WHERE id IN (SELECT contract FROM Pending WHERE decision IS NOT 'withdrawn' AND coalesce(deadline < ?, time < ?)) ORDER BY id`,
      )
      .all(before, madeBefore)
    const count = this.#database
      .prepare<[string, string], number>(
        `SELECT count(*) FROM Pending
         WHERE decision IS NOT 'withdrawn' AND coalesce(deadline < ?, time < ?) AND ${IS_HELD}`,
      )
      .pluck()
      .get(before, madeBefore)
    const items: Attention['overdue']['items'][number][] = []
    for (const { id, size, contract, title } of contracts) {
      if (items.length >= limit) break
      for (const { request, ...waitsFor } of this.#waiting.of(id, size)) {
        const { handle, seq, place: index, name, time, deadline } = request
        const isOverdue = deadline === null ? time < madeBefore : deadline < before
        if (!isOverdue || request.decision === 'withdrawn') continue
        items.push({ contract, title, request: requestKey({ handle, seq, index }), name, time, deadline, waitsFor })
      }
    }
    return { count: count ?? 0, items: items.slice(0, limit) }
  }

  #refusals({ limit }: AttentionQuery): Attention['refusals'] {
    const count = this.#database
      .prepare<[], number>(`SELECT count(*) FROM Request WHERE outcome = 'refused' AND ${IS_HELD}`)
      .pluck()
    const rows = this.#database
      .prepare<[number], InContract & { handle: Handle; seq: number; place: number; index: number; detail: string }>(
        `SELECT uid AS contract, title, handle, seq, place, ledger_index AS "index", detail
         FROM Request JOIN HeldContract ON HeldContract.id = Request.contract JOIN Party ON Party.id = Request.party
         WHERE outcome = 'refused' ORDER BY Request.contract, ledger_index DESC LIMIT ?`,
      )
      .all(limit)
    const items = rows.map(({ contract, title, handle, seq, place, index, detail }) => ({
      contract,
      title,
      request: requestKey({ handle, seq, index: place }),
      index,
      by: (JSON.parse(detail) as { by: RefusedBy[] }).by,
    }))
    return { count: count.get() ?? 0, items }
  }

  #misbehaviour({ limit }: AttentionQuery): Attention['misbehaviour'] {
    const rows = this.#database
      .prepare<[], Attention['misbehaviour']['items'][number]>(
        `SELECT uid AS contract, title, kind, handle AS party, seq
         FROM Evidence JOIN HeldContract ON HeldContract.id = Evidence.contract ORDER BY HeldContract.id, revision`,
      )
      .all()
    return listed(rows, limit)
  }

  #upgrades({ limit }: AttentionQuery): Attention['upgrades'] {
    const contracts = this.#database
      .prepare<[], InContract & { id: number; engine: EngineVersion; votes: string }>(
        `SELECT id, uid AS contract, title, engine, engine_votes AS votes FROM HeldContract
         WHERE engine_votes IS NOT NULL ORDER BY id`,
      )
      .all()
    const items = contracts.slice(0, limit).map(({ id, contract, title, engine, votes: text }) => {
      const votes = JSON.parse(text) as EngineVote[]
      const waitsFor = this.#membersOf(id).filter((handle) => !votes.some(({ by }) => by === handle))
      return { contract, title, engine, votes, waitsFor }
    })
    return { count: contracts.length, items }
  }

  #erasures({ limit }: AttentionQuery): Attention['erasures'] {
    const rows = this.#database
      .prepare<[], AskedErasure & { readonly number: number; readonly votes: string }>(
        `SELECT uid AS contract, title, HeldContract.id AS number, Erasure.name AS erasure, votes,
           handle AS "by", cast_at AS castAt, about, about_in AS aboutIn
         FROM Erasure JOIN HeldContract ON HeldContract.id = Erasure.contract
         JOIN ErasureVote AS asked ON asked.erasure = Erasure.id
           AND cast_at = (SELECT min(cast_at) FROM ErasureVote WHERE erasure = Erasure.id)
         JOIN Party ON Party.id = asked.party
         WHERE Erasure.ended_at IS NULL ORDER BY Erasure.id`,
      )
      .all()
    const items = rows.slice(0, limit).map(({ number, votes: text, ...asked }) => {
      const votes = JSON.parse(text) as Handle[]
      return { ...asked, votes, waitsFor: this.#membersOf(number).filter((one) => !votes.includes(one)) }
    })
    return { count: rows.length, items }
  }

  #templates({ limit }: AttentionQuery): Attention['templates'] {
    const rows = this.#database
      .prepare<[], InContract & { number: number; element: ElementId; template: Hash; votes: string }>(
        `SELECT uid AS contract, title, HeldContract.id AS number, Element.key AS element, template, votes
         FROM TemplateUse JOIN HeldContract ON HeldContract.id = TemplateUse.contract
         JOIN Element ON Element.id = TemplateUse.element
         WHERE votes <> '[]' AND TemplateUse.removed_at IS NULL ORDER BY TemplateUse.element`,
      )
      .all()
    const items = rows.slice(0, limit).map(({ number, votes: text, ...use }) => {
      const votes = (JSON.parse(text) as UpgradeVote[]).map(({ by, to }) => ({ by, to }))
      return { ...use, votes, waitsFor: this.#membersOf(number).filter((one) => !votes.some(({ by }) => by === one)) }
    })
    return { count: rows.length, items }
  }

  #membersOf(contract: number): Handle[] {
    return this.#database
      .prepare<[number], Handle>(
        `SELECT handle FROM Market JOIN Party USING (id)
         WHERE Market.contract = ? AND standing = 'member' ORDER BY id`,
      )
      .pluck()
      .all(contract)
  }

  #changeSets({ limit }: AttentionQuery): Attention['changeSets'] {
    const isOpen = `agreed_at IS NULL AND ended_at IS NULL AND ${IS_HELD}`
    const count = this.#database.prepare<[], number>(`SELECT count(*) FROM ChangeSet WHERE ${isOpen}`).pluck()
    const sets = this.#database
      .prepare<[number], InContract & { id: number; handle: Handle; seq: number; place: number }>(
        `SELECT ChangeSet.id, uid AS contract, title, handle, seq, place
         FROM ChangeSet JOIN Contract ON Contract.id = ChangeSet.contract
         WHERE ${isOpen.replace('contract IN', 'ChangeSet.contract IN')} ORDER BY ChangeSet.id LIMIT ?`,
      )
      .all(limit)
    const missing = this.#database.prepare<[number], Handle>(MISSING_VOTERS).pluck()
    const items = sets.map(({ id, contract, title, handle, seq, place }) => {
      const request = requestKey({ handle, seq, index: place })
      return { contract, title, request, by: handle, waitsFor: missing.all(id) }
    })
    return { count: count.get() ?? 0, items }
  }

  #behind({ limit }: AttentionQuery): Attention['behind'] {
    const rows = this.#database
      .prepare<[], Attention['behind']['items'][number]>(
        `WITH signed AS (
           SELECT Market.contract, Party.handle, coalesce(Feed.head_size, 0) AS size
           FROM Market JOIN Party USING (id)
           LEFT JOIN Feed ON Feed.contract = Market.contract AND Feed.handle = Party.handle
           WHERE standing = 'member'
         ), longest AS (SELECT contract, max(size) AS size FROM signed GROUP BY contract)
         SELECT uid AS contract, title, handle AS party, signed.size AS signedSize, longest.size AS longestSize
         FROM signed JOIN longest USING (contract) JOIN HeldContract ON HeldContract.id = signed.contract
         WHERE signed.size < longest.size ORDER BY signed.contract, handle`,
      )
      .all()
    return listed(rows, limit)
  }
}

export function listed<T>(all: readonly T[], limit: number): Listed<T> {
  return { count: all.length, items: all.slice(0, limit) }
}
