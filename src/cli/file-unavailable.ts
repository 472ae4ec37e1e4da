import { readFile } from 'node:fs/promises'
import { ConcordataError } from '../runtime/errors.ts'

/** What the command names cannot be read or written. Evidence: `path`, `reason` (of the system: `ENOENT`). */
export class FileUnavailable extends ConcordataError {}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not',
  EISDIR: 'it is a directory',
  ENOENT: 'there is none',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is no directory',
  EROFS: 'the disk can only be read',
}

/** What the system says of a file, as an error of ours; undefined: it is of something else. `at`: where it does not say which. */
export function fileUnavailable(cause: unknown, at?: string): FileUnavailable | undefined {
  if (!(cause instanceof Error)) return undefined
  const { code, path = at } = cause as NodeJS.ErrnoException
  if (code === undefined || path === undefined) return undefined
  const message = `${path} cannot be read or written: ${reasons[code] ?? code}`
  return new FileUnavailable('file_unavailable', message, { path, reason: code }, { cause })
}

/** Of a file that the command names: what the system says of a directory does not say of which. Throws FileUnavailable. */
export async function bytesIn(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return readFile(path).catch((cause: unknown) => {
    throw fileUnavailable(cause, path) ?? cause
  })
}

/** As `bytesIn`. */
export async function textIn(path: string): Promise<string> {
  return Buffer.from(await bytesIn(path)).toString('utf8')
}
