import { mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createKeyFile, readKeyFile } from '../../crypto/key-file.ts'
import { generateKeyPair } from '../../crypto/key-pair.ts'
import { keySigner, type Signer } from '../../crypto/signer.ts'
import { syncDirectory } from '../../runtime/durable-file.ts'
import { damaged } from './identity-files.ts'

const KEY_FILE = /^(\d{6})\.pem$/

/**
 * The signing keys of a party, oldest first: the one on its card, then one for each rotation. None is ever removed: a
 * contract that has not taken the newest one yet goes on under an older one, and the card's signs introductions.
 */
export class KeyRing {
  readonly #dir: string
  readonly #passphrase: string
  readonly #signers: Signer[]
  #lastNumber: number
  #adding: Promise<unknown> = Promise.resolve()

  private constructor(dir: string, passphrase: string, signers: Signer[], lastNumber: number) {
    this.#dir = dir
    this.#passphrase = passphrase
    this.#signers = signers
    this.#lastNumber = lastNumber
  }

  /** `dir`: of the keys that came after the card's; it need not exist. Throws KeyFileUnreadable, IdentityDamaged. */
  static async open(dir: string, card: Signer, passphrase: string): Promise<KeyRing> {
    const numbers = await numbersIn(dir)
    const signers = [card]
    for (const number of numbers) {
      const path = keyPath(dir, number)
      const key = await readKeyFile(path, passphrase)
      if (key.asymmetricKeyType !== 'ed25519') throw damaged(path, 'is no Ed25519 key')
      signers.push(keySigner(key))
    }
    return new KeyRing(dir, passphrase, signers, numbers.at(-1) ?? 0)
  }

  /** The public key under which this party's feeds are to go on: 32 bytes, tagged. */
  get newest(): string {
    return (this.#signers.at(-1) as Signer).publicKey
  }

  /** Oldest first. */
  get publicKeys(): string[] {
    return this.#signers.map(({ publicKey }) => publicKey)
  }

  signerOf(publicKey: string): Signer | undefined {
    return this.#signers.find((signer) => signer.publicKey === publicKey)
  }

  /** Nothing else makes keys here: the data directory is locked. */
  async refresh(): Promise<void> {}

  /** Makes a new key; its file is durable on return, so a restart knows the newest. Returns its public key. */
  add(): Promise<string> {
    const added = this.#adding.then(async () => {
      const { privateKey, publicKey } = generateKeyPair()
      const isFirst = (await mkdir(this.#dir, { recursive: true, mode: 0o700 })) !== undefined
      if (isFirst) await syncDirectory(dirname(this.#dir))
      await createKeyFile(keyPath(this.#dir, this.#lastNumber + 1), privateKey, this.#passphrase)
      this.#lastNumber++
      this.#signers.push(keySigner(privateKey))
      return publicKey
    })
    this.#adding = added.catch(() => {})
    return added
  }
}

const keyPath = (dir: string, number: number) => join(dir, `${String(number).padStart(6, '0')}.pem`)

async function numbersIn(dir: string): Promise<number[]> {
  const names = await readdir(dir).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw damaged(dir, `cannot be read: ${cause.code}`, { cause })
  })
  const numbers = names.flatMap((name) => KEY_FILE.exec(name)?.[1] ?? []).map(Number)
  return numbers.sort((a, b) => a - b)
}
