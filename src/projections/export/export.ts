import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type Database from 'better-sqlite3'
import type { Hash } from '../../crypto/hash.ts'
import type { Uid } from '../../events/ids.ts'
import { csvRecord } from '../../runtime/csv.ts'
import { createFile, syncDirectory } from '../../runtime/durable-file.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { Store } from '../../store/port.ts'
import { csvRows } from '../entities/csv-rows.ts'
import { withHeld } from '../entities/held-values.ts'
import { type Audited, auditContract } from '../queries/audit-view.ts'
import { type ExportedEntity, exported } from './export-entities.ts'
import { ExportFile, type WrittenFile } from './export-file.ts'

/** There is something where the export should go. Evidence: `path`. */
export class ExportExists extends ConcordataError {}

/** What an export says of itself: `export.json`, written last. */
export interface ExportManifest {
  readonly v: 1
  /** As it was asked for; null: all that the store held. */
  readonly at: string | null
  /** By UID what the ledger is in the export: to be compared with the heads that the members have signed. */
  readonly contracts: Readonly<
    Record<Uid, { readonly size: number; readonly root: Hash; readonly record: string | null }>
  >
  readonly files: Readonly<Record<string, WrittenFile>>
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
    const files: Record<string, WrittenFile> = {}
    for (const file of exported) Object.assign(files, await writeEntity(file, draft, database, store, audited))
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
  file: ExportedEntity,
  dir: string,
  database: Database.Database,
  { payloads }: Store,
  audited: ReadonlyMap<number, Audited>,
): Promise<Record<string, WrittenFile>> {
  const uids = new Map(contractsIn(database).map(({ id, uid }) => [id, uid]))
  const uidOf = (contract: number) => uids.get(contract) as Uid
  const heads = { [`${file.name}.jsonl`]: '', [`${file.name}.csv`]: `${csvRecord(file.columns)}` }
  const [lines, csv] = (await Promise.all(
    Object.entries(heads).map(([name, header]) => ExportFile.create(dir, name, header)),
  )) as [ExportFile, ExportFile]
  try {
    for (const rows of file.pieces(database, audited)) {
      const full = file.entity === undefined ? rows : await withHeld(file.entity, rows, uidOf, payloads)
      const ordered = full.map((row) => Object.fromEntries(file.columns.map((column) => [column, row[column] ?? null])))
      await lines.write(ordered.map((row) => `${JSON.stringify(row)}\n`))
      await csv.write(csvRows(file.columns, ordered))
    }
    return { [lines.name]: await lines.finish(), [csv.name]: await csv.finish() }
  } finally {
    await Promise.all([lines.close(), csv.close()])
  }
}
