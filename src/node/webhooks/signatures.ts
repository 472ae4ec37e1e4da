import { createHmac, createPrivateKey, createSecretKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { type Static, Type } from 'typebox'

/** How messages are signed: `v1` with a secret that the receiver has as well, `v1a` with a key of which it has the public half. */
export const signings = ['v1', 'v1a'] as const
export type WebhookSigning = (typeof signings)[number]

/** What messages of a webhook are signed with. */
export const SigningSecretSchema = Type.Object(
  {
    signing: Type.Enum([...signings]),
    /** Base64: of `v1` the bytes, of `v1a` the private key as PKCS#8. */
    secret: Type.String(),
    /** As the receiver has it: `whsec_…` or `whpk_…`. */
    shown: Type.String(),
    /** Milliseconds since the epoch; left out: no other has taken its place. */
    until: Type.Optional(Type.Integer()),
  },
  { additionalProperties: false },
)
export type SigningSecret = Static<typeof SigningSecretSchema>

const SECRET_BYTES = 32
/** Of an Ed25519 key the last bytes of its SubjectPublicKeyInfo (RFC 8410). */
const PUBLIC_KEY_BYTES = 32

/** `draw`: returns that many random bytes. */
export function newSecret(signing: WebhookSigning, draw: (length: number) => Uint8Array): SigningSecret {
  if (signing === 'v1') {
    const secret = Buffer.from(draw(SECRET_BYTES)).toString('base64')
    return { signing, secret, shown: `whsec_${secret}` }
  }
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const shown = publicKey.export({ format: 'der', type: 'spki' }).subarray(-PUBLIC_KEY_BYTES).toString('base64')
  const secret = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
  return { signing, secret, shown: `whpk_${shown}` }
}

export interface WebhookSigner {
  /** `webhook-signature` of a message: one for each secret that is good then. `at`: milliseconds since the epoch. */
  sign(id: string, at: number, body: string): string
}

/** Standard Webhooks 1.0, "Signature scheme". */
export function signerWith(secrets: readonly SigningSecret[]): WebhookSigner {
  const keys = secrets.map(({ secret, signing, until }) => {
    const bytes = Buffer.from(secret, 'base64')
    const key =
      signing === 'v1' ? createSecretKey(bytes) : createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' })
    return { signing, key, until: until ?? Number.POSITIVE_INFINITY }
  })
  return {
    sign(id, at, body) {
      const signed = Buffer.from(`${id}.${secondsOf(at)}.${body}`)
      return keys
        .filter(({ until }) => at < until)
        .map(({ key, signing }) => `${signing},${signatureOf(key, signed)}`)
        .join(' ')
    },
  }
}

function signatureOf(key: KeyObject, signed: Buffer): string {
  if (key.type === 'secret') return createHmac('sha256', key).update(signed).digest('base64')
  return sign(null, signed, key).toString('base64')
}

/** As `webhook-timestamp` has it. */
export function secondsOf(at: number): number {
  return Math.floor(at / 1000)
}
