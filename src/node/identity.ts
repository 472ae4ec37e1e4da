import { type KeyObject, X509Certificate } from 'node:crypto'
import { certificateFingerprint } from '../crypto/certificate.ts'
import type { Hash } from '../crypto/hash.ts'
import { KeyFileUnreadable, readKeyFile } from '../crypto/key-file.ts'
import { keySigner, type Signer } from '../crypto/signer.ts'
import { type PartyCard, partyFingerprint } from '../events/party-card.ts'
import type { TlsCredentials } from '../gossip/transport/protocol.ts'
import type { Configuration, Environment } from './configuration.ts'
import { damaged, identityPaths, readPartyFile, readSecret, readText } from './identity-files.ts'
import { KeyRing } from './key-ring.ts'
import { givenPassphrase } from './passphrase.ts'
import { UidCodec } from './uid.ts'

/** All that makes a node the node of its party. */
export interface Identity {
  readonly card: PartyCard
  /** With the key on the card. */
  readonly signer: Signer
  readonly keys: KeyRing
  readonly tls: TlsCredentials
  /** Fingerprint of the TLS certificate. */
  readonly certificate: Hash
  readonly uids: UidCodec
}

/** Throws IdentityDamaged, KeyFileUnreadable. */
export async function openIdentity(configuration: Configuration, environment: Environment): Promise<Identity> {
  const { dir, handle, name } = configuration
  const paths = identityPaths(dir)
  const party = await readPartyFile(paths.party)
  const passphrase = (await givenPassphrase(environment)) ?? (await readPassphrase(paths.passphrase))
  const card: PartyCard = { handle, did: party.did, name, keys: party.keys }

  const signingKey = await readKeyFile(paths.signingKey, passphrase)
  if (signingKey.asymmetricKeyType !== 'ed25519') throw damaged(paths.signingKey, 'is no Ed25519 key')
  const signer = keySigner(signingKey)
  if (signer.publicKey !== card.keys.signing)
    throw damaged(paths.signingKey, `is not the key that ${paths.party} names`)

  const tls = await readTls(paths, passphrase)
  const secret = Buffer.from(await readSecret(paths.uidSecret), 'base64url')
  return {
    card,
    signer,
    keys: await KeyRing.open(paths.signingKeys, signer, passphrase),
    tls,
    certificate: certificateFingerprint(tls.certificate),
    uids: new UidCodec(secret, partyFingerprint(card)),
  }
}

/** The bearer token of the inward API. Throws IdentityDamaged. */
export async function readApiToken(dir: string): Promise<string> {
  return readSecret(identityPaths(dir).apiToken)
}

async function readPassphrase(path: string): Promise<string> {
  const text = await readText(path).catch((cause: unknown) => {
    const message = `the keys need a passphrase: neither CONCORDATA_PASSPHRASE nor ${path} has one`
    throw new KeyFileUnreadable('key_file_unreadable', message, { path }, { cause })
  })
  return text.trim()
}

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
