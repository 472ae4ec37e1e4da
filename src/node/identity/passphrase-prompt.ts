import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { Writable } from 'node:stream'
import { KeyFileUnreadable } from '../../crypto/key-file.ts'

/** A terminal, or what stands for one. */
export interface Terminal {
  readonly input: Readable & { readonly isTTY?: boolean }
  readonly output: Writable
}

/** Asks a person, and shows nothing of what is typed. Throws KeyFileUnreadable if nothing is, or the terminal is closed. */
export async function askPassphrase(question: string, { input, output }: Terminal): Promise<string> {
  // The line editor writes what is typed to its output: it gets one that keeps nothing.
  const unseen = new Writable({ write: (_piece, _encoding, done) => done() })
  const lines = createInterface({ input, output: unseen, terminal: true, historySize: 0 })
  output.write(`${question}: `)
  try {
    const passphrase = await new Promise<string>((resolve) => {
      lines.once('line', resolve)
      lines.once('SIGINT', () => resolve(''))
      lines.once('close', () => resolve(''))
    })
    if (passphrase !== '') return passphrase
    throw new KeyFileUnreadable('key_file_unreadable', 'the keys need a passphrase, and none was given')
  } finally {
    lines.close()
    output.write('\n')
  }
}
