import { randomBytes } from 'node:crypto'
import { link, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Creates a file: after a crash at any moment it is there whole, or not at all. Durable on return.
 * Rejects with the system's EEXIST, and leaves the file alone, if there is one of that name.
 * `mode`: permissions, such as 0o600 for what nobody but the owner may read.
 */
export async function createFile(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  // A link, unlike a rename, never puts itself in the place of something that exists.
  await placeFile(path, data, mode, (temporary) => link(temporary, path))
}

/** The same, but takes the place of a file that is there: readers see the old one or the new one, never a mixture. */
export async function replaceFile(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  await placeFile(path, data, mode, (temporary) => rename(temporary, path))
}

async function placeFile(
  path: string,
  data: string | Uint8Array,
  mode: number,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await writeDurably(temporary, data, mode)
    await place(temporary)
  } finally {
    await rm(temporary, { force: true })
  }
  await syncDirectory(dirname(path))
}

async function writeDurably(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  await using file = await open(path, 'wx', mode)
  await file.writeFile(data)
  await file.sync()
}

/** A name in a directory is durable only when the directory is. */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}
