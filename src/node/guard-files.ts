import { mkdirSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type Guarded, GuardedSchema, guardRefused, isSamePlace, type SigningGuard } from '../contracts/guard.ts'
import { sha256 } from '../crypto/hash.ts'
import type { Uid } from '../events/ids.ts'
import { syncDirectory } from '../runtime/durable-file.ts'
import { jsonOf } from '../runtime/json-form.ts'

/** Where the guard stands in a data directory. It belongs in no backup. */
export const guardDirectory = (dir: string) => join(dir, 'guard')

const guardedForm = Compile(
  Type.Object(
    {
      ...GuardedSchema.properties,
      /** Counts the writes: the slot with the greater number is the newer one. Places may go back. */
      write: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    },
    { additionalProperties: false },
  ),
)

type Written = Guarded & { readonly write: number }
interface Kept {
  readonly guarded: Guarded
  readonly write: number
  readonly slot: 0 | 1
}

/** Owner only: a line holds values of the contract. */
const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700

/**
 * A guard in files: two a contract, written in turn, so that a torn write destroys the older of them only. The first line
 * of a file is the hash of the rest. Nothing but one process may use the folder (the lock of the data directory sees to it).
 */
export function openGuardFiles(dir: string): SigningGuard {
  mkdirSync(dir, { recursive: true, mode: DIRECTORY_MODE })
  const known = new Map<Uid, Kept>()
  const path = (contract: Uid, slot: 0 | 1) => join(dir, `${contract}.${slot === 0 ? 'a' : 'b'}`)

  const find = async (contract: Uid): Promise<Kept | undefined> => {
    const kept = known.get(contract)
    if (kept !== undefined) return kept
    const slots = await Promise.all([readSlot(path(contract, 0)), readSlot(path(contract, 1))])
    const [a, b] = slots
    const slot = (b?.write ?? -1) > (a?.write ?? -1) ? 1 : 0
    const found = slots[slot]
    if (found === undefined) return undefined
    const { write, ...guarded } = found
    known.set(contract, { guarded, write, slot })
    return { guarded, write, slot }
  }

  return {
    read: async (contract) => (await find(contract))?.guarded,
    async advance(contract, from, to) {
      const found = await find(contract)
      if (!isSamePlace(found?.guarded, from)) throw guardRefused(contract, from, found?.guarded)
      const slot = found?.slot === 0 ? 1 : 0
      const write = (found?.write ?? -1) + 1
      await writeSlot(path(contract, slot), { ...to, write })
      // The first write in each slot makes a file, whose name must be durable too.
      if (write < 2) await syncDirectory(dir)
      known.set(contract, { guarded: to, write, slot })
    },
  }
}

/** Undefined: there is none, or its last write was torn; then the other slot counts. */
async function readSlot(path: string): Promise<Written | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const end = text.indexOf('\n')
  const body = text.slice(end + 1)
  if (end < 0 || sha256(body) !== text.slice(0, end)) return undefined
  return jsonOf(guardedForm, body) as Written | undefined
}

async function writeSlot(path: string, guarded: Written): Promise<void> {
  const body = JSON.stringify(guarded)
  await using file = await open(path, 'w', FILE_MODE)
  await file.writeFile(`${sha256(body)}\n${body}`)
  await file.datasync()
}
