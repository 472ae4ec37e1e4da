import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Role } from '../../contracts/duties.ts'
import type { Snapshots } from '../../store/snapshot-port.ts'
import { openSqliteSnapshots, SnapshotsInUse } from '../../store/sqlite/snapshots.ts'

/** How many processes of one role may run beside each other. */
const PROCESSES_MAX = 16

const isOurs = (name: string) => /^passive-[a-z]+(?:-\d+)?\.sqlite(?:-wal|-shm)?$/.test(name)

/** Where a process keeps passive contracts: in the first file of its role that no other process has. */
export function openPassive(dir: string, role: Role): Snapshots {
  for (let number = 1; ; number++) {
    try {
      return openSqliteSnapshots(join(dir, `passive-${role}${number === 1 ? '' : `-${number}`}.sqlite`))
    } catch (error) {
      if (!(error instanceof SnapshotsInUse) || number === PROCESSES_MAX) throw error
    }
  }
}

/** After a restore they tell of another store. Requires that no process runs on the directory. */
export async function forgetPassive(dir: string): Promise<void> {
  for (const name of (await readdir(dir)).filter(isOurs)) await rm(join(dir, name))
}
