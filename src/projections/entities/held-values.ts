import { type HeldAbouts, heldAbouts } from '../../contracts/requests/held-abouts.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { ProposalId, Uid } from '../../events/ids.ts'
import { valueUnder } from '../../events/seal.ts'
import { type PayloadGroup, refOf } from '../../store/payload-group.ts'
import type { PayloadStore } from '../../store/port.ts'
import { aboutColumns, type Entity } from './entity.ts'

/** By attribute. */
export type EntityRow = Readonly<Record<string, unknown>>

/** Rows of an entity with what is under the seals in them, as far as this node has it. `uidOf`: of the contract of that number. */
export async function withHeld(
  entity: Entity,
  rows: readonly EntityRow[],
  uidOf: (contract: number) => Uid,
  payloads: PayloadStore,
): Promise<readonly EntityRow[]> {
  const valued = entity.hasValues ? await withValues(rows, uidOf, payloads) : rows
  return withAbouts(valued, entity.abouts, uidOf, payloads)
}

/** `isHeld` tells a value that was erased, or never came here, from none: that the field be emptied. */
async function withValues(
  rows: readonly EntityRow[],
  uidOf: (contract: number) => Uid,
  payloads: PayloadStore,
): Promise<EntityRow[]> {
  const opened = new Map<number, Map<Hash, string>>()
  for (const contract of new Set(rows.map(numberOf))) {
    const refs = rows
      .filter((row) => numberOf(row) === contract)
      .flatMap(({ name, revealed_in, seal }) => {
        if (seal === null) return []
        const ref = refOf({ id: name as ProposalId, seal: seal as Hash })
        return revealed_in === null ? ref : { ...ref, group: revealed_in as PayloadGroup }
      })
    if (refs.length > 0) opened.set(contract, await payloads.get(uidOf(contract), refs))
  }
  return rows.map((row) => {
    const text = opened.get(numberOf(row))?.get(row.seal as Hash)
    const value = text === undefined ? null : valueUnder(row.seal as Hash, text)
    return { ...row, isHeld: row.seal === null || text !== undefined, value }
  })
}

/** The same for what people say: of a seal that is null all three are. */
async function withAbouts(
  rows: readonly EntityRow[],
  columns: readonly string[],
  uidOf: (contract: number) => Uid,
  payloads: PayloadStore,
): Promise<readonly EntityRow[]> {
  if (columns.length === 0) return rows
  const held = new Map<number, HeldAbouts>()
  for (const contract of new Set(rows.map(numberOf))) {
    const refs = rows
      .filter((row) => numberOf(row) === contract)
      .flatMap((row) =>
        columns.flatMap((column) =>
          row[column] === null ? [] : [{ group: row[`${column}_in`] as PayloadGroup, seal: row[column] as Hash }],
        ),
      )
    held.set(contract, await heldAbouts(payloads, uidOf(contract), refs))
  }
  return rows.map((row) => {
    const added: Record<string, unknown> = {}
    for (const column of columns) {
      const seal = row[column] as Hash | null
      const { isHeld = null, title = null, text = null } = (seal && held.get(numberOf(row))?.(seal)) ?? {}
      const [isHeldIn, titleIn, textIn] = aboutColumns(column)
      Object.assign(added, { [isHeldIn]: isHeld, [titleIn]: title, [textIn]: text })
    }
    return { ...row, ...added }
  })
}

/** The number of the contract that a row is of. */
function numberOf(row: EntityRow): number {
  return (row.contract ?? row.id) as number
}
