import { createCipheriv, createPrivateKey, type KeyObject, randomBytes, scrypt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { createFile } from '../runtime/durable-file.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { integer, objectIdentifier, octetString, sequence } from './der.ts'
import { toPem } from './pem.ts'

/** A private key cannot be had from its file. Evidence: `path`. */
export class KeyFileUnreadable extends ConcordataError {}

const FIRST_LINE = '-----BEGIN ENCRYPTED PRIVATE KEY-----'

const oids = {
  pbes2: '1.2.840.113549.1.5.13',
  scrypt: '1.3.6.1.4.1.11591.4.11',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
}
const AES_KEY_BYTES = 32
/** What `openssl pkcs8 -scrypt` takes: 16 MiB and some 50 ms for each guess. OpenSSL refuses to read files that take 32 MiB. */
const work = { N: 16_384, r: 8, p: 1 }

/**
 * Creates an encrypted PKCS#8 PEM file that only its owner can read; `openssl pkey -in` opens it too.
 * Rejects with the system's EEXIST if there is a file: a key is never overwritten.
 */
export async function createKeyFile(path: string, key: KeyObject, passphrase: string): Promise<void> {
  await createFile(path, await encryptKey(key, passphrase), 0o600)
}

/** There is such a file: before a person is asked for its passphrase. Throws KeyFileUnreadable. */
export async function assertKeyFile(path: string): Promise<void> {
  await readPem(path)
}

/** Throws KeyFileUnreadable. */
export async function readKeyFile(path: string, passphrase: string): Promise<KeyObject> {
  const pem = await readPem(path)
  try {
    return createPrivateKey({ key: pem, passphrase })
  } catch (cause) {
    const message = `the passphrase for ${path} is wrong, or the file is damaged`
    throw new KeyFileUnreadable('key_file_unreadable', message, { path }, { cause })
  }
}

async function readPem(path: string): Promise<string> {
  const pem = await readFile(path, 'latin1').catch((cause: unknown) => {
    throw new KeyFileUnreadable('key_file_unreadable', `cannot read the key file ${path}`, { path }, { cause })
  })
  if (pem.startsWith(FIRST_LINE)) return pem
  throw new KeyFileUnreadable('key_file_unreadable', `${path} is not an encrypted PKCS#8 key`, { path })
}

/**
 * PBES2 with scrypt (RFC 8018, RFC 7914 §7.1) and AES-256-CBC. Written here, because Node's own export derives the
 * key with 2,048 rounds of PBKDF2, which protects no passphrase that a person thought of. Reading is OpenSSL's.
 */
async function encryptKey(key: KeyObject, passphrase: string): Promise<string> {
  const salt = randomBytes(16)
  const iv = randomBytes(16)
  const secret = await promisify<string, Uint8Array, number, object, Buffer>(scrypt)(
    passphrase,
    salt,
    AES_KEY_BYTES,
    work,
  )
  const cipher = createCipheriv('aes-256-cbc', secret, iv)
  const encrypted = Buffer.concat([cipher.update(key.export({ type: 'pkcs8', format: 'der' })), cipher.final()])
  const derivation = sequence(octetString(salt), integer(work.N), integer(work.r), integer(work.p))
  const scheme = sequence(
    sequence(objectIdentifier(oids.scrypt), derivation),
    sequence(objectIdentifier(oids.aes256Cbc), octetString(iv)),
  )
  const file = sequence(sequence(objectIdentifier(oids.pbes2), scheme), octetString(encrypted))
  return toPem('ENCRYPTED PRIVATE KEY', file)
}
