import { mkdtemp, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { UID_PATTERN, type Uid } from '../events/ids.ts'
import { readConfiguration, readEnvironment } from '../node/config/configuration.ts'
import { lockReadModel } from '../node/files/file-lock.ts'
import { openStoreToRead } from '../node/files/open-store.ts'
import { readModelPath } from '../node/files/read-model.ts'
import { exportReadModel } from '../projections/export/export.ts'
import { cutAt, type PointInTime, parsePointInTime, RebuildUnfit } from '../projections/export/point-in-time.ts'
import { FoldFailed } from '../projections/fold-failed.ts'
import { draftReadModel } from '../projections/read-model.ts'
import { type Replayed, rebuildContract, rebuildReadModel, replay } from '../projections/rebuild.ts'
import type { Store } from '../store/port.ts'
import { NotHeld } from './audit/audit-commands.ts'
import { dataOption, jsonOption, type NodeOptions } from './options.ts'
import { printResult, tell } from './output.ts'
import { ProgressBar } from './progress.ts'

interface Options extends NodeOptions {
  readonly contract?: string
  readonly at?: string
  readonly out?: string
}

/** `concordata rebuild`: read models made anew from the events; with `--out`, what they say at a point in time. */
export function rebuildCommand(program: Command): void {
  program
    .command('rebuild')
    .addOption(jsonOption())
    .addOption(dataOption())
    .option('--contract <uid>', 'only this one')
    .option('--out <dir>', 'write every entity to a new directory, with values, and leave the read model as it is')
    .option('--at <index|time>', 'with --out: up to this ledger entry, itself included, or up to this claimed time')
    .description('make the read model anew from what is stored; or export it, as it is or was')
    .action(rebuild)
}

async function rebuild({ data, contract: uid, at, json, out }: Options): Promise<void> {
  const contract = uid === undefined ? undefined : uidOf(uid)
  const point = at === undefined ? undefined : parsePointInTime(at)
  if (point !== undefined && out === undefined) {
    throw new RebuildUnfit('rebuild_unfit', 'what was at a point in time is not put into the read model: say --out')
  }
  if (point !== undefined && 'index' in point && contract === undefined) {
    throw new RebuildUnfit('rebuild_unfit', 'an index belongs to one ledger: say --contract')
  }
  const configuration = await readConfiguration(data, readEnvironment(process.env))
  const store = await openStoreToRead(configuration)
  const progress = new ProgressBar((await store.events.lastPosition()) ?? 0, json)
  const options = { ...(contract && { contract }), progress: (position: number) => progress.at(position) }
  try {
    if (out !== undefined) await writeExport(store, resolve(out), point, options, progress, json)
    else await renew(data, store, options, progress, json)
  } finally {
    progress.end()
    await store.close()
  }
}

type Replaying = { readonly contract?: Uid; progress(position: number): void }

async function renew(
  data: string,
  { events }: Store,
  options: Replaying,
  progress: ProgressBar,
  json: true | undefined,
): Promise<void> {
  const unlock = lockReadModel(data)
  try {
    const path = readModelPath(data)
    const { contract, ...rest } = options
    const began = performance.now()
    const replayed = await (contract === undefined
      ? rebuildReadModel(path, events, rest)
      : rebuildContract(path, events, contract, rest))
    progress.end()
    const seconds = (performance.now() - began) / 1000
    const line = `${path}: ${replayed.entries} ledger entries of ${replayed.events} events in ${seconds.toFixed(1)} s`
    printResult(json, { path, ...replayed, seconds }, [line])
    complainOf(replayed, json)
  } finally {
    unlock()
  }
}

/** With `--json` they stand in what is printed. */
function complainOf({ failures }: Replayed, json: true | undefined): void {
  for (const { subject, stream, revision, reason } of failures) {
    tell(json, `${subject} stands still: event ${revision} of ${stream} cannot be folded (${reason})`)
  }
  if (failures.length > 0) process.exitCode = 1
}

/** In a read model of its own, that is thrown away: the node may run. */
async function writeExport(
  store: Store,
  out: string,
  point: PointInTime | undefined,
  options: Replaying,
  progress: ProgressBar,
  json: true | undefined,
): Promise<void> {
  const dir = await mkdtemp(join(dirname(out), '.rebuild-'))
  const database = draftReadModel(join(dir, 'read-model.sqlite'))
  try {
    const replayed = await replay(database, store.events, { ...options, ...(point && { cut: cutAt(point) }) })
    refuseWhatIsNotWhole(replayed)
    if (options.contract !== undefined) {
      const size = database
        .prepare<[Uid], number>('SELECT size FROM Contract WHERE uid = ?')
        .pluck()
        .get(options.contract)
      if (size === undefined) throw notHeld(options.contract)
      if (point !== undefined && 'index' in point && size <= point.index) {
        const message = `the ledger of ${options.contract} has ${size} entries here, the first is 0: there is no ${point.index}`
        throw new RebuildUnfit('rebuild_unfit', message, { size, index: point.index })
      }
    }
    const { contracts } = await exportReadModel(database, store, out, textOf(point))
    progress.end()
    const lines = Object.entries(contracts).map(([uid, { size, root }]) => `${uid}: ${size} entries, root ${root}`)
    printResult(json, { out, contracts }, [...lines, `written to ${out}`])
  } finally {
    database.close()
    await rm(dir, { recursive: true, force: true })
  }
}

/** A regulator is shown all of it, or nothing. */
function refuseWhatIsNotWhole({ failures }: Replayed): void {
  const [first] = failures
  if (first === undefined) return
  const { subject, stream, revision, reason } = first
  const message = `nothing was written: ${subject} stands still at event ${revision} of ${stream} (${reason})`
  throw new FoldFailed(message, { subject, stream, revision })
}

function textOf(point: PointInTime | undefined): string | null {
  if (point === undefined) return null
  return 'index' in point ? String(point.index) : point.time
}

function uidOf(text: string): Uid {
  if (new RegExp(UID_PATTERN).test(text)) return text as Uid
  throw notHeld(text)
}

function notHeld(contract: string): NotHeld {
  return new NotHeld('no_such_contract', `the store does not hold ${contract}`, { contract })
}
