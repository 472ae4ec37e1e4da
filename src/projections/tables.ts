import type Database from 'better-sqlite3'
import { ChangeSetTable } from './tables/change-set-table.ts'
import { ContractTable } from './tables/contract-table.ts'
import { ElementTable } from './tables/element-table.ts'
import { ErasureTable } from './tables/erasure-table.ts'
import { EvidenceTable } from './tables/evidence-table.ts'
import { FeedTable } from './tables/feed-table.ts'
import { PartyTable } from './tables/party-table.ts'
import { ProposalTable } from './tables/proposal-table.ts'
import { RequestTable } from './tables/request-table.ts'
import { RuleTable } from './tables/rule-table.ts'
import { TemplateTable } from './tables/template-table.ts'
import { TypeTable } from './tables/type-table.ts'

/**
 * How the rows follow from the events. Raise it with every change of a table or of what is written to it: a read model of
 * another version is made anew.
 */
export const READ_MODEL_VERSION = 10

/** `checkpoint`: the last event that is folded in. Failure: contracts that are set aside, and at which event. */
const BOOKKEEPING = `
  CREATE TABLE Checkpoint (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL,
    stream   TEXT NOT NULL,
    revision INTEGER NOT NULL,
    hash     TEXT NOT NULL
  ) STRICT;

  CREATE TABLE Failure (
    subject  TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    stream   TEXT NOT NULL,
    revision INTEGER NOT NULL,
    reason   TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`

/** Of a value a table has the seal (decision 0097). */
export const READ_MODEL_SCHEMA = [
  BOOKKEEPING,
  ContractTable.schema,
  PartyTable.schema,
  TypeTable.schema,
  ElementTable.schema,
  ProposalTable.schema,
  ChangeSetTable.schema,
  RuleTable.schema,
  ErasureTable.schema,
  TemplateTable.schema,
  RequestTable.schema,
  FeedTable.schema,
  EvidenceTable.schema,
].join('\n')

/** Those with a column `contract`: all that is to be forgotten of a contract that is folded anew. */
const OF_A_CONTRACT = [
  'Party',
  'Market',
  'Type',
  'Element',
  'Proposal',
  'Voter',
  'Vote',
  'ChangeSet',
  'ChangeSetVoter',
  'ChangeSetVote',
  'RuleSet',
  'Rule',
  'RuleVote',
  'RuleFlag',
  'Erasure',
  'ErasureVote',
  'Erased',
  'Template',
  'TemplatePiece',
  'TemplateUse',
  'TemplateUpgrade',
  'Request',
  'Pending',
  'Refusal',
  'Feed',
  'Statement',
  'Evidence',
]

export interface Tables {
  readonly contracts: ContractTable
  readonly parties: PartyTable
  readonly types: TypeTable
  readonly elements: ElementTable
  readonly proposals: ProposalTable
  readonly changeSets: ChangeSetTable
  readonly rules: RuleTable
  readonly erasures: ErasureTable
  readonly templates: TemplateTable
  readonly requests: RequestTable
  readonly feeds: FeedTable
  readonly evidence: EvidenceTable
}

/** One of each, over a database that has the schema. */
export function prepareTables(database: Database.Database): Tables {
  const types = new TypeTable(database)
  const elements = new ElementTable(database, types)
  return {
    contracts: new ContractTable(database),
    parties: new PartyTable(database),
    types,
    elements,
    proposals: new ProposalTable(database, elements),
    changeSets: new ChangeSetTable(database),
    rules: new RuleTable(database, elements),
    erasures: new ErasureTable(database),
    templates: new TemplateTable(database, elements),
    requests: new RequestTable(database),
    feeds: new FeedTable(database),
    evidence: new EvidenceTable(database),
  }
}

/** Leaves of a contract that it is held, and nothing else. */
export function forgetContract(database: Database.Database, uid: string): void {
  const number = database.prepare<[string], number>('SELECT id FROM Contract WHERE uid = ?').pluck().get(uid)
  database.prepare('DELETE FROM Failure WHERE subject = ?').run(uid)
  if (number === undefined) return
  for (const table of OF_A_CONTRACT) database.prepare(`DELETE FROM ${table} WHERE contract = ?`).run(number)
  const kept = database
    .prepare<[number], unknown[]>('SELECT id, uid, founder, held_at, given_up_at FROM Contract WHERE id = ?')
    .raw()
    .get(number)
  database.prepare('DELETE FROM Contract WHERE id = ?').run(number)
  database.prepare('INSERT INTO Contract (id, uid, founder, held_at, given_up_at) VALUES (?, ?, ?, ?, ?)').run(kept)
}
