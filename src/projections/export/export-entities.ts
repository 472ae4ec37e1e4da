import type Database from 'better-sqlite3'
import type { Entity } from '../entities/entity.ts'
import { EntityRows } from '../entities/entity-rows.ts'
import type { EntityRow } from '../entities/held-values.ts'
import { entities } from '../entities/model.ts'
import type { Audited } from '../queries/audit-view.ts'

/** By the number of the contract. */
export type AuditedContracts = ReadonlyMap<number, Audited>

const PIECE_ROWS = 500

/** A file of an export. */
export interface ExportedEntity {
  readonly name: string
  readonly columns: readonly string[]
  /** Whose rows these are. */
  readonly entity?: Entity
  /** In pieces; what is under seals is not in them yet. */
  pieces(database: Database.Database, audited: AuditedContracts): Iterable<readonly EntityRow[]>
}

/** Every entity of the model, and the notes of members, which no table has. */
export const exported: readonly ExportedEntity[] = [
  ...entities.map(
    (entity): ExportedEntity => ({
      name: entity.name,
      entity,
      columns: entity.attributes.map(({ name }) => name),
      *pieces(database, audited) {
        const found = new EntityRows(database)
        let cursor: string | undefined
        do {
          const page = found.find(entity, { limit: PIECE_ROWS, hasGivenUp: true, ...(cursor && { cursor }) })
          yield page.rows.map((row) => ({ ...row, ...auditedOf[entity.name]?.(row, audited) }))
          cursor = page.next
        } while (cursor !== undefined)
      },
    }),
  ),
  {
    name: 'Cosignature',
    columns: ['contract', 'party', 'size', 'root', 'record', 'time', 'key', 'signature', 'isValid'],
    *pieces(_, audited) {
      for (const [contract, { cosignatures }] of audited) {
        yield cosignatures.map(({ handle: _handle, ...cosignature }) => ({ contract, ...cosignature }))
      }
    },
  },
]

/** What follows from the audit of a row's contract. */
const auditedOf: Readonly<Record<string, (row: EntityRow, audited: AuditedContracts) => EntityRow>> = {
  Contract: ({ id }, audited) => ({ root: audited.get(id as number)?.root ?? null }),
  Request: ({ contract, ledger_index }, audited) => {
    const { cosignedSize = 0 } = audited.get(contract as number) ?? {}
    return { tier: (ledger_index as number) < cosignedSize ? 4 : 3 }
  },
}
