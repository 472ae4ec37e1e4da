import type Database from 'better-sqlite3'
import type { UpgradeVote } from '../../aggregates/contract/templates/template-book.ts'
import { utf8Length } from '../../crypto/bytes.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { Handle } from '../../events/ids.ts'
import type { Template } from '../../events/template.ts'
import type { ContractRows } from '../contract-rows.ts'
import { FoldFailed } from '../fold-failed.ts'
import type { ElementTable, RemovedElement } from './element-table.ts'
import { partyOf } from './party-table.ts'

/**
 * Template: every template that was brought whole, with its bytes; TemplatePiece: what a party has brought of one so far.
 * TemplateUse: which element came from which, a row from the import on; `template` is that of the last upgrade, `roles` and `votes`
 * (for an upgrade: by whom, to which) are JSON. TemplateUpgrade: from which template to which, and when.
 */
const SCHEMA = `
  CREATE TABLE Template (
    id         INTEGER PRIMARY KEY,
    contract   INTEGER NOT NULL,
    hash       TEXT NOT NULL,
    text       TEXT NOT NULL,
    brought_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX Template_hash ON Template (contract, hash);

  CREATE TABLE TemplatePiece (
    contract INTEGER NOT NULL,
    party    INTEGER NOT NULL,
    hash     TEXT NOT NULL,
    text     TEXT NOT NULL,
    PRIMARY KEY (contract, party)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE TemplateUse (
    element     INTEGER PRIMARY KEY,
    contract    INTEGER NOT NULL,
    template    TEXT NOT NULL,
    roles       TEXT NOT NULL,
    party       INTEGER NOT NULL,
    votes       TEXT NOT NULL,
    imported_at INTEGER NOT NULL,
    removed_at  INTEGER
  ) STRICT;
  CREATE INDEX TemplateUse_open ON TemplateUse (contract) WHERE votes <> '[]' AND removed_at IS NULL;

  CREATE TABLE TemplateUpgrade (
    element     INTEGER NOT NULL,
    contract    INTEGER NOT NULL,
    before      TEXT NOT NULL,
    after       TEXT NOT NULL,
    upgraded_at INTEGER NOT NULL,
    PRIMARY KEY (element, upgraded_at)
  ) STRICT, WITHOUT ROWID;
`

export type TemplateEvent = Extract<
  ContractEvent,
  { type: 'TemplateBrought' | 'TemplateImported' | 'TemplateUpgradeVoted' | 'TemplateUpgraded' }
>

export class TemplateTable {
  static readonly schema = SCHEMA
  readonly #elements: ElementTable
  readonly #count
  readonly #find
  readonly #add
  readonly #piece
  readonly #keepPiece
  readonly #dropPieces
  readonly #use
  readonly #votes
  readonly #vote
  readonly #voted
  readonly #upgrade
  readonly #noteUpgrade
  readonly #remove

  constructor(database: Database.Database, elements: ElementTable) {
    this.#elements = elements
    this.#count = database.prepare<[number], number>('SELECT count(*) FROM Template WHERE contract = ?').pluck()
    this.#find = database
      .prepare<[number, Hash], string>('SELECT text FROM Template WHERE contract = ? AND hash = ? LIMIT 1')
      .pluck()
    this.#add = database.prepare('INSERT INTO Template VALUES (?, ?, ?, ?, ?)')
    this.#piece = database
      .prepare<[number, number, Hash], string>(
        'SELECT text FROM TemplatePiece WHERE contract = ? AND party = ? AND hash = ?',
      )
      .pluck()
    this.#keepPiece = database.prepare('INSERT OR REPLACE INTO TemplatePiece VALUES (?, ?, ?, ?)')
    this.#dropPieces = database.prepare('DELETE FROM TemplatePiece WHERE contract = ? AND (party = ? OR hash = ?)')
    this.#use = database.prepare(`INSERT INTO TemplateUse VALUES (?, ?, ?, ?, ?, '[]', ?, NULL)`)
    this.#votes = database.prepare<[number], string>('SELECT votes FROM TemplateUse WHERE element = ?').pluck()
    this.#vote = database.prepare('UPDATE TemplateUse SET votes = ? WHERE element = ?')
    this.#voted = database.prepare<[number], { element: number; votes: string }>(
      `SELECT element, votes FROM TemplateUse WHERE contract = ? AND votes <> '[]' AND removed_at IS NULL`,
    )
    this.#upgrade = database.prepare(`UPDATE TemplateUse SET template = ?, roles = ?, votes = '[]' WHERE element = ?`)
    this.#noteUpgrade = database.prepare('INSERT INTO TemplateUpgrade VALUES (?, ?, ?, ?, ?)')
    this.#remove = database.prepare(
      'UPDATE TemplateUse SET removed_at = ? WHERE element IN (SELECT value FROM json_each(?))',
    )
  }

  apply(page: ContractRows, event: TemplateEvent): void {
    switch (event.type) {
      case 'TemplateBrought':
        this.#brought(page, event)
        break
      case 'TemplateImported': {
        const { by, roles, template } = event
        const element = this.#elements.idOf(page, event.element)
        this.#use.run(element, page.number, template, JSON.stringify(roles), partyOf(page, by).id, page.size)
        break
      }
      case 'TemplateUpgradeVoted': {
        const { by, roles, to } = event
        const element = this.#elements.idOf(page, event.element)
        const votes = votesIn(this.#votes.get(element)).filter((vote) => vote.by !== by)
        this.#vote.run(JSON.stringify([...votes, { by, roles, to }]), element)
        break
      }
      case 'TemplateUpgraded': {
        const { from, roles, to } = event
        const element = this.#elements.idOf(page, event.element)
        this.#upgrade.run(to, JSON.stringify(roles), element)
        this.#noteUpgrade.run(element, page.number, from, to, page.size)
      }
    }
  }

  /** Throws FoldFailed for one that was not brought. */
  find(page: ContractRows, hash: Hash): Template {
    const text = this.#find.get(page.number, hash)
    if (text === undefined) throw new FoldFailed('the ledger imports a template before it was brought', { hash })
    return JSON.parse(text) as Template
  }

  /** What came from templates, and is gone. */
  removed(page: ContractRows, elements: readonly RemovedElement[]): void {
    this.#remove.run(page.size, JSON.stringify(elements.map(({ id }) => id)))
  }

  /** Votes that a newcomer has not seen count no more. */
  memberAdmitted(page: ContractRows): void {
    for (const { element } of this.#voted.all(page.number)) this.#vote.run('[]', element)
  }

  /** Who goes votes no more, and brings nothing more. */
  memberResigned(page: ContractRows, handle: Handle): void {
    this.#dropPieces.run(page.number, partyOf(page, handle).id, '')
    for (const { element, votes } of this.#voted.all(page.number)) {
      this.#vote.run(JSON.stringify(votesIn(votes).filter(({ by }) => by !== handle)), element)
    }
  }

  #brought(
    page: ContractRows,
    { by, bytes, from, hash, text }: Extract<TemplateEvent, { type: 'TemplateBrought' }>,
  ): void {
    const party = partyOf(page, by).id
    const before = from === 0 ? '' : (this.#piece.get(page.number, party, hash) ?? '')
    if (from + utf8Length(text) < bytes) {
      this.#keepPiece.run(page.number, party, hash, before + text)
      return
    }
    this.#dropPieces.run(page.number, party, hash)
    this.#add.run(page.base + (this.#count.get(page.number) ?? 0) + 1, page.number, hash, before + text, page.size)
  }
}

function votesIn(text = '[]'): UpgradeVote[] {
  return JSON.parse(text) as UpgradeVote[]
}
