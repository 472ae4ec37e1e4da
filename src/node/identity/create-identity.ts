import { access, mkdir } from 'node:fs/promises'
import { certificateFingerprint, generateTlsKey, selfSignedCertificate } from '../../crypto/certificate.ts'
import type { Hash } from '../../crypto/hash.ts'
import { createKeyFile } from '../../crypto/key-file.ts'
import { generateKeyPair } from '../../crypto/key-pair.ts'
import type { PartyCard } from '../../events/parties/party-card.ts'
import type { Clock } from '../../runtime/clock.ts'
import { createFile } from '../../runtime/durable-file.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import {
  type ConfigurationFile,
  ConfigurationInvalid,
  checkConfiguration,
  configurationPath,
  createConfiguration,
} from '../config/configuration.ts'
import { didWebUrl } from './did-web.ts'
import { identityPaths, newSecret, type PartyFile } from './identity-files.ts'

/** The directory has an identity, or a part of one. Evidence: `path`. */
export class IdentityExists extends ConcordataError {}

export interface NewIdentity extends ConfigurationFile {
  /** Of the key files. Left out, one is made up and written beside them. */
  readonly passphrase?: string | undefined
  /** Left out: that of the endpoint's host. */
  readonly did?: string | undefined
}

export interface CreatedIdentity {
  readonly card: PartyCard
  /** Fingerprint of the TLS certificate. */
  readonly certificate: Hash
  /** What the person who ran `concordata init` must be told, one sentence or two each. */
  readonly notices: readonly string[]
}

/** The DID of a party whose node is at this endpoint: `https://127.0.0.1:7443` → `did:web:127.0.0.1%3A7443`. */
export function didOf(endpoint: string): string {
  return `did:web:${encodeURIComponent(new URL(endpoint).host)}`
}

/** One that partners can look up over the web. Throws ConfigurationInvalid. */
function checkDid(did: string): string {
  if (didWebUrl(did) !== undefined) return did
  const message = `${did} is no did:web of a domain name, such as did:web:acme.example or did:web:acme.example:parties:re`
  throw new ConfigurationInvalid('configuration_invalid', message, { source: 'concordata init', setting: 'did' })
}

/**
 * Makes a party: its keys, certificate, secrets and configuration. Nothing that exists is overwritten. concordata.json
 * comes last, so that a directory that has one is whole.
 * Throws ConfigurationInvalid, IdentityExists.
 */
export async function createIdentity(dir: string, wanted: NewIdentity, clock: Clock): Promise<CreatedIdentity> {
  const { passphrase: givenPassphrase, did: givenDid, ...settings } = wanted
  const configuration = checkConfiguration('concordata init', settings)
  const did = givenDid === undefined ? didOf(configuration.endpoint) : checkDid(givenDid)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const paths = identityPaths(dir)
  for (const path of [configurationPath(dir), ...Object.values(paths)]) await refuseExisting(path)

  const passphrase = givenPassphrase ?? newSecret()
  const signing = generateKeyPair()
  const recovery = generateKeyPair()
  const tlsKey = generateTlsKey()
  const subject = { commonName: configuration.handle, host: new URL(configuration.endpoint).hostname, did }
  const certificate = selfSignedCertificate(tlsKey, subject, clock.now())
  const party: PartyFile = { did, keys: { signing: signing.publicKey, recovery: recovery.publicKey } }

  await refusingToOverwrite(async () => {
    if (givenPassphrase === undefined) await createFile(paths.passphrase, `${passphrase}\n`, 0o600)
    await createKeyFile(paths.signingKey, signing.privateKey, passphrase)
    await createKeyFile(paths.recoveryKey, recovery.privateKey, passphrase)
    await createKeyFile(paths.tlsKey, tlsKey, passphrase)
    await createFile(paths.certificate, certificate, 0o644)
    await createFile(paths.party, `${JSON.stringify(party, null, 2)}\n`, 0o644)
    await createFile(paths.uidSecret, `${newSecret()}\n`, 0o600)
    await createFile(paths.apiToken, `${newSecret()}\n`, 0o600)
    await createConfiguration(dir, configuration)
  })
  const { handle, name, lei } = configuration
  return {
    card: { handle, did, name, ...(lei === undefined ? {} : { lei }), keys: party.keys },
    certificate: certificateFingerprint(certificate),
    notices: noticesFor(paths, givenPassphrase === undefined),
  }
}

function noticesFor(paths: ReturnType<typeof identityPaths>, passphraseIsInFile: boolean): string[] {
  const recovery = `Move ${paths.recoveryKey} off this machine, with a copy of its passphrase kept elsewhere: it is what takes the signing key back if somebody steals that.`
  if (!passphraseIsInFile) return [recovery]
  const passphrase = `No passphrase was given (CONCORDATA_PASSPHRASE or CONCORDATA_PASSPHRASE_FILE), so one was made up and lies in ${paths.passphrase}: whoever can read that file can use the keys beside it.`
  return [passphrase, recovery]
}

async function refuseExisting(path: string): Promise<void> {
  const exists = await access(path).then(
    () => true,
    () => false,
  )
  if (exists) throw identityExists(path)
}

/** For the case that two make an identity in one place at the same moment. */
async function refusingToOverwrite(create: () => Promise<void>): Promise<void> {
  try {
    await create()
  } catch (error) {
    const { code, dest } = error as NodeJS.ErrnoException & { dest?: string }
    throw code === 'EEXIST' && dest !== undefined ? identityExists(dest, { cause: error }) : error
  }
}

function identityExists(path: string, options?: ErrorOptions): IdentityExists {
  const message = `there is a ${path} already: keys are never overwritten, choose another directory`
  return new IdentityExists('identity_exists', message, { path }, options)
}
