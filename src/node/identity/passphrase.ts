import { readFile } from 'node:fs/promises'
import { KeyFileUnreadable } from '../../crypto/key-file.ts'
import type { Environment } from '../config/configuration.ts'

/**
 * The passphrase of the key files that the environment gives, itself or by the name of a file; undefined: it gives none.
 * Throws KeyFileUnreadable.
 */
export async function givenPassphrase({ passphrase, passphraseFile }: Environment): Promise<string | undefined> {
  return passphraseFile === undefined ? passphrase : readPassphraseFile(passphraseFile)
}

/** Its one line: the line end is not part of the passphrase, blanks are. Throws KeyFileUnreadable. */
async function readPassphraseFile(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(path, `the keys need a passphrase, but ${path} cannot be read: ${cause.code}`, { cause })
  })
  const passphrase = text.replace(/\r?\n$/, '')
  if (passphrase === '' || /[\r\n]/.test(passphrase)) throw unreadable(path, `${path} must be one line, the passphrase`)
  return passphrase
}

function unreadable(path: string, message: string, options?: ErrorOptions): KeyFileUnreadable {
  return new KeyFileUnreadable('key_file_unreadable', message, { path }, options)
}
