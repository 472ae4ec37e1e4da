import { hkdfSync, type KeyObject, X509Certificate } from 'node:crypto'
import type { SigningKeys } from '../../contracts/processes/key-rotation.ts'
import type { SigningGuard } from '../../contracts/signing/signing-guard.ts'
import { certificateFingerprint } from '../../crypto/certificate.ts'
import type { Hash } from '../../crypto/hash.ts'
import { KeyFileUnreadable, readKeyFile } from '../../crypto/key-file.ts'
import { keySigner, type Signer } from '../../crypto/signer.ts'
import type { PartyCard } from '../../events/parties/party-card.ts'
import type { TlsCredentials } from '../../gossip/transport/protocol.ts'
import type { Configuration, Environment } from '../config/configuration.ts'
import { lockSigning } from '../files/file-lock.ts'
import { guardDirectory, openGuardFiles } from '../files/guard-files.ts'
import { SignerClient } from '../signer/signer-client.ts'
import { socketPath } from '../signer/socket-path.ts'
import { damaged, identityPaths, readPartyFile, readSecret, readText } from './identity-files.ts'
import { KeyRing } from './key-ring.ts'
import { givenPassphrase } from './passphrase.ts'
import { askPassphrase } from './passphrase-prompt.ts'
import { UidCodec } from './uid.ts'

/** All that makes a node the node of its party. */
export interface Identity {
  readonly card: PartyCard
  /** With the key on the card. */
  readonly signer: Signer
  readonly keys: SigningKeys & { signerOf(publicKey: string): Signer | undefined }
  readonly tls: TlsCredentials
  /** Fingerprint of the TLS certificate. */
  readonly certificate: Hash
  readonly uids: UidCodec
}

/** Signing keys and guard, wherever they are; `close` releases them. */
export interface Signing {
  readonly keys: Identity['keys']
  readonly guard: SigningGuard
  close(): Promise<void>
}

/** Who this is: what needs no key. Throws IdentityDamaged. */
export async function readCard({ dir, handle, name, lei }: Configuration): Promise<PartyCard> {
  const { did, keys } = await readPartyFile(identityPaths(dir).party)
  return { handle, did, name, ...(lei === undefined ? {} : { lei }), keys }
}

/** `keys`: those of `openSigning`; left out: of the data directory. Throws IdentityDamaged, KeyFileUnreadable. */
export async function openIdentity(
  configuration: Configuration,
  environment: Environment,
  given?: Identity['keys'],
): Promise<Identity> {
  const keys = given ?? (await openKeyRing(configuration, environment))
  const paths = identityPaths(configuration.dir)
  const card = await readCard(configuration)
  const signer = keys.signerOf(card.keys.signing)
  if (signer === undefined) throw damaged(paths.party, 'names a signing key that the signer does not have')
  const tls = await openTls(configuration, environment)
  const secret = Buffer.from(await readSecret(paths.uidSecret), 'base64url')
  return {
    card,
    signer,
    keys,
    tls,
    certificate: certificateFingerprint(tls.certificate),
    uids: new UidCodec(secret, card),
  }
}

/**
 * Keys and guard of the data directory, which nothing else may use meanwhile, or of the signer process that the configuration
 * names. Throws DataDirectoryInUse, IdentityDamaged, KeyFileUnreadable, SignerUnreachable.
 */
export async function openSigning(configuration: Configuration, environment: Environment): Promise<Signing> {
  if (configuration.signer !== undefined) {
    const client = await openSignerProcess(configuration, configuration.signer, SIGNER_START_MS)
    return { keys: client, guard: client.guard, close: async () => client.close() }
  }
  return openOwnSigning(configuration, environment)
}

/** The same, of the data directory in any case. */
export async function openOwnSigning(configuration: Configuration, environment: Environment): Promise<Signing> {
  const { dir } = configuration
  const unlock = lockSigning(dir)
  try {
    const keys = await openKeyRing(configuration, environment)
    const guard = openGuardFiles(guardDirectory(dir))
    const close = async () => {
      await guard.close()
      unlock()
    }
    return { keys, guard, close }
  } catch (error) {
    unlock()
    throw error
  }
}

/** Only the keys, to look at: also while a node runs. */
export async function openKeys(
  configuration: Configuration,
  environment: Environment,
): Promise<Pick<Signing, 'keys' | 'close'>> {
  if (configuration.signer !== undefined) {
    const client = await openSignerProcess(configuration, configuration.signer)
    return { keys: client, close: async () => client.close() }
  }
  return { keys: await openKeyRing(configuration, environment), close: async () => {} }
}

/** How long a node waits at its start for a signer that is being started as well. Milliseconds. */
const SIGNER_START_MS = 15_000

function openSignerProcess(
  { dir }: Configuration,
  { socket }: { readonly socket: string },
  waitMs = 0,
): Promise<SignerClient> {
  return SignerClient.open(socketPath(dir, socket), waitMs)
}

/** The outward connection's key and certificate. Throws IdentityDamaged, KeyFileUnreadable. */
export async function openTls(configuration: Configuration, environment: Environment): Promise<TlsCredentials> {
  return readTls(identityPaths(configuration.dir), await passphraseFor(configuration, environment))
}

/** The bearer token of the inward API. Throws IdentityDamaged. */
export async function readApiToken(dir: string): Promise<string> {
  return readSecret(identityPaths(dir).apiToken)
}

/**
 * By which keys of callers become names of requests: made from what all processes with the inward API have, and backups too. Throws
 * IdentityDamaged.
 */
export async function readRequestSecret(dir: string): Promise<Uint8Array> {
  const secret = Buffer.from(await readApiToken(dir))
  return new Uint8Array(hkdfSync('sha256', secret, '', 'concordata/v1/request', 32))
}

async function openKeyRing(configuration: Configuration, environment: Environment): Promise<KeyRing> {
  const paths = identityPaths(configuration.dir)
  const card = await readCard(configuration)
  const passphrase = await passphraseFor(configuration, environment)
  const signingKey = await readKeyFile(paths.signingKey, passphrase)
  if (signingKey.asymmetricKeyType !== 'ed25519') throw damaged(paths.signingKey, 'is no Ed25519 key')
  const signer = keySigner(signingKey)
  if (signer.publicKey !== card.keys.signing)
    throw damaged(paths.signingKey, `is not the key that ${paths.party} names`)
  return KeyRing.open(paths.signingKeys, signer, passphrase)
}

/** From the environment, a file, or, where there is a terminal, a person: asked once for each directory. */
async function passphraseFor({ dir }: Configuration, environment: Environment): Promise<string> {
  const given = await givenPassphrase(environment)
  if (given !== undefined) return given
  const path = identityPaths(dir).passphrase
  try {
    return (await readText(path)).trim()
  } catch (cause) {
    if (process.stdin.isTTY) {
      const asked = typed.get(dir) ?? askPassphrase(`Passphrase of the keys in ${dir}`, TERMINAL)
      typed.set(dir, asked)
      return asked
    }
    const message = `the keys need a passphrase: neither CONCORDATA_PASSPHRASE nor ${path} has one`
    throw new KeyFileUnreadable('key_file_unreadable', message, { path }, { cause })
  }
}

const TERMINAL = { input: process.stdin, output: process.stderr }
const typed = new Map<string, Promise<string>>()

async function readTls(paths: ReturnType<typeof identityPaths>, passphrase: string): Promise<TlsCredentials> {
  const key = await readKeyFile(paths.tlsKey, passphrase)
  const certificate = await readText(paths.certificate)
  if (!isCertificateOf(certificate, key))
    throw damaged(paths.certificate, `is no certificate of the key ${paths.tlsKey}`)
  return { key: key.export({ type: 'pkcs8', format: 'pem' }) as string, certificate }
}

function isCertificateOf(certificate: string, key: KeyObject): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(key)
  } catch {
    return false
  }
}
