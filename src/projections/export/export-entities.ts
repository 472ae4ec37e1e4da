import type Database from 'better-sqlite3'
import type { Audited } from '../queries/audit-view.ts'
import { REQUEST_COLUMNS } from '../tables/request-table.ts'

/** By column. */
export type ExportRow = Readonly<Record<string, unknown>>

/** One entity as it is exported: its name, its columns in their order, its rows. */
export interface Entity {
  readonly name: string
  readonly columns: readonly string[]
  /** The rows have `contract`, `name` and `seal` of a proposal, and get `isHeld` and `value`. */
  readonly hasValues?: true
  /** Columns that hold the seal of an `about`; for each the rows get the three of `aboutColumns`. */
  readonly abouts?: readonly string[]
  rows(database: Database.Database, audited: ReadonlyMap<number, Audited>): Iterable<ExportRow>
}

/** A table or view as it is. `json`: columns that hold JSON. */
function stored(name: string, columns: readonly string[], json: readonly string[] = [], from = name): Entity {
  const order = columns.includes('id') ? 'id' : columns.slice(0, 3).join(', ')
  return {
    name,
    columns,
    *rows(database) {
      const rows = database.prepare<[], ExportRow>(`SELECT ${columns.join(', ')} FROM ${from} ORDER BY ${order}`)
      for (const row of rows.iterate()) yield json.length === 0 ? row : parsed(row, json)
    },
  }
}

function parsed(row: ExportRow, json: readonly string[]): ExportRow {
  const opened = json.map((column) => [column, row[column] === null ? null : JSON.parse(String(row[column]))])
  return { ...row, ...Object.fromEntries(opened) }
}

/** Whether the node has what is under the seal in that column, and what that says. */
export function aboutColumns(column: string): readonly [isHeld: string, title: string, text: string] {
  return [`${column}_isHeld`, `${column}_title`, `${column}_text`]
}

/** With what is under the seals in these columns. */
function withAbouts(entity: Entity, abouts: readonly string[]): Entity {
  return { ...entity, abouts, columns: [...entity.columns, ...abouts.flatMap(aboutColumns)] }
}

/** With what follows from the audit of the row's contract. */
function audited(entity: Entity, column: string, of: (row: ExportRow, found: Audited | undefined) => unknown): Entity {
  return {
    ...entity,
    columns: [...entity.columns, column],
    *rows(database, found) {
      for (const row of entity.rows(database, found)) {
        yield { ...row, [column]: of(row, found.get((row.contract ?? row.id) as number)) }
      }
    },
  }
}

const proposals = stored(
  'Proposal',
  [
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
  ],
  ['audience'],
)

/** Every entity that there is, in the words of the design (§8). */
export const entities: readonly Entity[] = [
  withAbouts(
    audited(
      stored(
        'Contract',
        [
          'id',
          'uid',
          'founder',
          'title',
          'engine',
          'engine_votes',
          'charter',
          'limits',
          'size',
          'record',
          'lock_index',
          'lock_holder',
          'lock_purpose',
          'lock_about',
          'lock_about_in',
        ],
        ['charter', 'limits', 'engine_votes'],
      ),
      'root',
      (_, found) => found?.root ?? null,
    ),
    ['lock_about'],
  ),
  stored('Party', ['id', 'contract', 'handle', 'did', 'name', 'claimed_lei', 'signing_key', 'recovery_key']),
  withAbouts(
    stored('Market', [
      'id',
      'contract',
      'party',
      'standing',
      'invited_by',
      'invited_at',
      'admitted_at',
      'ended_at',
      'reason',
      'about',
      'about_in',
    ]),
    ['about'],
  ),
  stored(
    'Type',
    ['id', 'contract', 'definition', 'name', 'base', 'constraints', 'hints', 'defined_at'],
    ['constraints', 'hints'],
  ),
  stored(
    'Element',
    [
      'id',
      'contract',
      'key',
      'parent',
      'kind',
      'prototype',
      'place',
      'name',
      'path',
      'owner',
      'entries_max',
      'keyed',
      'type',
      'custom',
      'options',
      'currency',
      'hint',
      'audience',
      'audience_until',
      'added_at',
      'removed_at',
    ],
    ['options', 'audience'],
    // A removed element has no path any more.
    '(SELECT DocumentElement.*, path FROM DocumentElement LEFT JOIN Path ON Path.element = DocumentElement.id)',
  ),
  { ...proposals, columns: [...proposals.columns, 'isHeld', 'value'], hasValues: true },
  withAbouts(
    stored('Vote', ['id', 'contract', 'proposal', 'party', 'vote', 'about', 'about_in', 'cast_at', 'superseded_at']),
    ['about'],
  ),
  withAbouts(
    audited(stored('Request', REQUEST_COLUMNS, ['commands', 'detail']), 'tier', ({ ledger_index }, found) =>
      (ledger_index as number) < (found?.cosignedSize ?? 0) ? 4 : 3,
    ),
    ['about', 'outcome_about'],
  ),
  withAbouts(stored('Dialogue', ['request', 'contract', 'party', 'answer', 'code', 'about', 'about_in']), ['about']),
  {
    name: 'Cosignature',
    columns: ['contract', 'party', 'size', 'root', 'record', 'time', 'key', 'signature', 'isValid'],
    *rows(_, found) {
      for (const [contract, { cosignatures }] of found) {
        for (const { handle: _handle, ...cosignature } of cosignatures) yield { contract, ...cosignature }
      }
    },
  },
]
