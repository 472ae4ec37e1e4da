import { mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createKeyFile, readKeyFile } from '../../crypto/key-file.ts'
import { generateKeyPair } from '../../crypto/key-pair.ts'
import { keySigner, type Signer } from '../../crypto/signer.ts'
import { syncDirectory } from '../../runtime/durable-file.ts'
import { damaged } from './identity-files.ts'

/** With the name under which the key was asked for, if it had one. */
export const KEY_FILE = /^(\d{6})(?:-([\w-]{22}))?\.pem$/

/**
 * The signing keys of a party, oldest first: the one on its card, then one for each rotation. None is ever removed: a
 * contract that has not taken the newest one yet goes on under an older one, and the card's signs introductions.
 */
export class KeyRing {
  readonly #dir: string
  readonly #passphrase: string
  readonly #signers: Signer[]
  /** Of those that were asked for under a name, by that. */
  readonly #named: Map<string, string>
  #lastNumber: number
  #adding: Promise<unknown> = Promise.resolve()

  private constructor(
    dir: string,
    passphrase: string,
    signers: Signer[],
    named: Map<string, string>,
    lastNumber: number,
  ) {
    this.#dir = dir
    this.#passphrase = passphrase
    this.#signers = signers
    this.#named = named
    this.#lastNumber = lastNumber
  }

  /** `dir`: of the keys that came after the card's; it need not exist. Throws KeyFileUnreadable, IdentityDamaged. */
  static async open(dir: string, card: Signer, passphrase: string): Promise<KeyRing> {
    const files = await keyFilesIn(dir)
    const signers = [card]
    const named = new Map<string, string>()
    for (const { name, number } of files) {
      const path = keyPath(dir, number, name)
      const key = await readKeyFile(path, passphrase)
      if (key.asymmetricKeyType !== 'ed25519') throw damaged(path, 'is no Ed25519 key')
      const signer = keySigner(key)
      signers.push(signer)
      if (name !== undefined) named.set(name, signer.publicKey)
    }
    return new KeyRing(dir, passphrase, signers, named, files.at(-1)?.number ?? 0)
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

  /** Makes a new key; its file is durable on return, so a restart knows the newest, and its name. Returns its public key. */
  add(name?: string): Promise<string> {
    const added = this.#adding.then(async () => {
      const known = name === undefined ? undefined : this.#named.get(name)
      if (known !== undefined) return known
      const { privateKey, publicKey } = generateKeyPair()
      const isFirst = (await mkdir(this.#dir, { recursive: true, mode: 0o700 })) !== undefined
      if (isFirst) await syncDirectory(dirname(this.#dir))
      await createKeyFile(keyPath(this.#dir, this.#lastNumber + 1, name), privateKey, this.#passphrase)
      this.#lastNumber++
      this.#signers.push(keySigner(privateKey))
      if (name !== undefined) this.#named.set(name, publicKey)
      return publicKey
    })
    this.#adding = added.catch(() => {})
    return added
  }
}

const keyPath = (dir: string, number: number, name: string | undefined) =>
  join(dir, `${String(number).padStart(6, '0')}${name === undefined ? '' : `-${name}`}.pem`)

async function keyFilesIn(dir: string): Promise<{ readonly number: number; readonly name: string | undefined }[]> {
  const names = await readdir(dir).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw damaged(dir, `cannot be read: ${cause.code}`, { cause })
  })
  const files = names.flatMap((file) => {
    const [, number, name] = KEY_FILE.exec(file) ?? []
    return number === undefined ? [] : { number: Number(number), name }
  })
  return files.sort((one, other) => one.number - other.number)
}
