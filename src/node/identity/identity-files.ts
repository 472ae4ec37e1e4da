import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { PublicKeySchema } from '../../events/ids.ts'
import { ConcordataError } from '../../runtime/errors.ts'

/** A file of the identity is missing, damaged, or does not fit the others. Evidence: `path`. */
export class IdentityDamaged extends ConcordataError {}

/** Where the parts of an identity stand in a data directory. */
export function identityPaths(dir: string) {
  return {
    /** DID and public keys: what never changes, and what is left here of the recovery key once it is moved away. */
    party: join(dir, 'party.json'),
    signingKey: join(dir, 'signing-key.pem'),
    /** Keys that came after the one on the card. */
    signingKeys: join(dir, 'signing-keys'),
    recoveryKey: join(dir, 'recovery-key.pem'),
    tlsKey: join(dir, 'tls-key.pem'),
    certificate: join(dir, 'certificate.pem'),
    /** Only where no passphrase was given. */
    passphrase: join(dir, 'passphrase'),
    /** Bearer token of the inward API, with all roles. */
    apiToken: join(dir, 'api-token'),
    uidSecret: join(dir, 'uid-secret'),
    /** The introduction that was served last. */
    introduction: join(dir, 'did.json'),
  }
}

const PartyFileSchema = Type.Object(
  {
    did: Type.String({ pattern: '^did:web:' }),
    keys: Type.Object({ signing: PublicKeySchema, recovery: PublicKeySchema }, { additionalProperties: false }),
  },
  { additionalProperties: false },
)
export type PartyFile = Static<typeof PartyFileSchema>

const partyForm = Compile(PartyFileSchema)

/** 256 random bits, base64url: 43 characters. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** Throws IdentityDamaged. */
export async function readPartyFile(path: string): Promise<PartyFile> {
  const text = await readText(path)
  const party = parseFile(path, text)
  if (partyForm.Check(party)) return party
  throw damaged(path, 'is not what `concordata init` writes')
}

/** A secret as `newSecret` makes it. Throws IdentityDamaged. */
export async function readSecret(path: string): Promise<string> {
  const secret = (await readText(path)).trim()
  if (Buffer.from(secret, 'base64url').length === 32) return secret
  throw damaged(path, 'does not hold 32 bytes in base64url')
}

/** Throws IdentityDamaged. */
export async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw damaged(path, `cannot be read: ${cause.code}`, { cause })
  })
}

export function damaged(path: string, what: string, options?: ErrorOptions): IdentityDamaged {
  return new IdentityDamaged('identity_damaged', `${path} ${what}`, { path }, options)
}

/** `text`: of the file at `path`. Throws IdentityDamaged. */
export function parseFile(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw damaged(path, 'is not JSON', { cause })
  }
}
