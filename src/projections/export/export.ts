import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type Database from 'better-sqlite3'
import { type HeldAbouts, heldAbouts } from '../../contracts/requests/held-abouts.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { ProposalId, Uid } from '../../events/ids.ts'
import { valueUnder } from '../../events/seal.ts'
import { createFile, syncDirectory } from '../../runtime/durable-file.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { type PayloadGroup, refOf } from '../../store/payload-group.ts'
import type { PayloadStore, Store } from '../../store/port.ts'
import { type Audited, auditContract } from '../queries/audit-view.ts'
import { csvRecord } from './csv.ts'
import { aboutColumns, type Entity, type ExportRow, entities } from './export-entities.ts'
import { ExportFile, type Written } from './export-file.ts'

/** There is something where the export should go. Evidence: `path`. */
export class ExportExists extends ConcordataError {}

const PIECE_ROWS = 500

/** What an export says of itself: `export.json`, written last. */
export interface ExportManifest {
  readonly v: 1
  /** As it was asked for; null: all that the store held. */
  readonly at: string | null
  /** By UID what the ledger is in the export: to be compared with the heads that the members have signed. */
  readonly contracts: Readonly<
    Record<Uid, { readonly size: number; readonly root: Hash; readonly record: string | null }>
  >
  readonly files: Readonly<Record<string, Written>>
}

/**
 * Writes every entity of a read model as JSON lines and as CSV into a new directory, with the values that the payload store
 * still has. The directory gets its name when all of it is durable. Throws ExportExists.
 */
export async function exportReadModel(
  database: Database.Database,
  store: Store,
  out: string,
  at: string | null,
): Promise<ExportManifest> {
  if (await stat(out).catch(() => undefined)) {
    throw new ExportExists('export_exists', `${out} is there already`, { path: out })
  }
  const draft = `${out}.${randomUUID()}.tmp`
  await mkdir(draft, { recursive: true, mode: 0o700 })
  try {
    const audited = await auditAll(database, store)
    const files: Record<string, Written> = {}
    for (const entity of entities) Object.assign(files, await writeEntity(entity, draft, database, store, audited))
    const manifest: ExportManifest = { v: 1, at, contracts: summaries(database, audited), files }
    await createFile(join(draft, 'export.json'), `${JSON.stringify(manifest, undefined, 2)}\n`, 0o600)
    await syncDirectory(draft)
    // Over a directory that somebody has filled meanwhile it fails.
    await rename(draft, out)
    await syncDirectory(dirname(out))
    return manifest
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

async function auditAll(database: Database.Database, { events }: Store): Promise<Map<number, Audited>> {
  const audited = new Map<number, Audited>()
  for (const { id, uid } of contractsIn(database)) audited.set(id, await auditContract(database, events, uid))
  return audited
}

function contractsIn(database: Database.Database) {
  return database
    .prepare<[], { id: number; uid: Uid; size: number; record: string | null }>(
      'SELECT id, uid, size, record FROM Contract ORDER BY id',
    )
    .all()
}

function summaries(database: Database.Database, audited: ReadonlyMap<number, Audited>): ExportManifest['contracts'] {
  return Object.fromEntries(
    contractsIn(database).map(({ id, uid, size, record }) => [
      uid,
      { size, root: (audited.get(id) as Audited).root, record },
    ]),
  )
}

async function writeEntity(
  entity: Entity,
  dir: string,
  database: Database.Database,
  { payloads }: Store,
  audited: ReadonlyMap<number, Audited>,
): Promise<Record<string, Written>> {
  const uids = new Map(contractsIn(database).map(({ id, uid }) => [id, uid]))
  const files = { [`${entity.name}.jsonl`]: '', [`${entity.name}.csv`]: `${csvRecord(entity.columns)}` }
  const [lines, csv] = (await Promise.all(
    Object.entries(files).map(([name, header]) => ExportFile.create(dir, name, header)),
  )) as [ExportFile, ExportFile]
  try {
    for (const rows of inPieces(entity.rows(database, audited))) {
      const valued = entity.hasValues ? await withValues(rows, uids, payloads) : rows
      const full = await withAbouts(valued, entity.abouts ?? [], uids, payloads)
      await lines.write(full.map((row) => `${JSON.stringify(row)}\n`))
      await csv.write(full.map((row) => csvRecord(entity.columns.map((column) => cellOf(column, row)))))
    }
    return { [lines.name]: await lines.finish(), [csv.name]: await csv.finish() }
  } finally {
    await Promise.all([lines.close(), csv.close()])
  }
}

function* inPieces(rows: Iterable<ExportRow>): Generator<ExportRow[]> {
  let piece: ExportRow[] = []
  for (const row of rows) {
    piece.push(row)
    if (piece.length < PIECE_ROWS) continue
    yield piece
    piece = []
  }
  yield piece
}

/** `isHeld` tells a value that was erased, or never came here, from none: that the field be emptied. */
async function withValues(
  rows: readonly ExportRow[],
  uids: ReadonlyMap<number, Uid>,
  payloads: PayloadStore,
): Promise<ExportRow[]> {
  const opened = new Map<number, Map<Hash, string>>()
  for (const contract of new Set(rows.map((row) => row.contract as number))) {
    const refs = rows
      .filter((row) => row.contract === contract)
      .flatMap(({ name, revealed_in, seal }) => {
        if (seal === null) return []
        const ref = refOf({ id: name as ProposalId, seal: seal as Hash })
        return revealed_in === null ? ref : { ...ref, group: revealed_in as PayloadGroup }
      })
    opened.set(contract, await payloads.get(uids.get(contract) as Uid, refs))
  }
  return rows.map((row) => {
    const text = opened.get(row.contract as number)?.get(row.seal as Hash)
    const value = text === undefined ? null : valueUnder(row.seal as Hash, text)
    return { ...row, isHeld: row.seal === null || text !== undefined, value }
  })
}

/** The same for what people say: of a seal that is null all three are. */
async function withAbouts(
  rows: readonly ExportRow[],
  columns: readonly string[],
  uids: ReadonlyMap<number, Uid>,
  payloads: PayloadStore,
): Promise<readonly ExportRow[]> {
  if (columns.length === 0) return rows
  const numberOf = (row: ExportRow) => (row.contract ?? row.id) as number
  const held = new Map<number, HeldAbouts>()
  for (const contract of new Set(rows.map(numberOf))) {
    const own = rows.filter((row) => numberOf(row) === contract)
    const refs = own.flatMap((row) =>
      columns.flatMap((column) =>
        row[column] === null ? [] : [{ group: row[`${column}_in`] as PayloadGroup, seal: row[column] as Hash }],
      ),
    )
    held.set(contract, await heldAbouts(payloads, uids.get(contract) as Uid, refs))
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

/** What is neither text nor number stands in CSV as JSON; so does a value, be it a text: else `"1"` would look like 1. */
function cellOf(column: string, row: ExportRow): string | number | null {
  const cell = row[column]
  if (column === 'value') return row.isHeld ? JSON.stringify(cell) : null
  if (cell === null || cell === undefined) return null
  return typeof cell === 'string' || typeof cell === 'number' ? cell : JSON.stringify(cell)
}
