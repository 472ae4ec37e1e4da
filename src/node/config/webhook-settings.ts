import { isIP } from 'node:net'
import { type Static, Type } from 'typebox'

/** A scheme, a host (`*`: any; `*.example.com`: any below it) and, unless it is that of the scheme, a port. */
const RECEIVER_PATTERN =
  '^https?://(?:\\*|(?:\\*\\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\\[[0-9a-f:.]{2,45}\\])(?::[1-9][0-9]{0,4})?$'
/** An address, or the network that begins with it. */
const NETWORK_PATTERN = '^[0-9a-f:.]{2,45}(?:/[0-9]{1,3})?$'

/** `webhooks` of concordata.json: where messages may go. Left out: nowhere. */
export const WebhookSettingsSchema = Type.Object(
  {
    receivers: Type.Array(Type.String({ pattern: RECEIVER_PATTERN, maxLength: 300 }), { minItems: 1, maxItems: 1_000 }),
    /** Addresses that are not on the public Internet, and yet may be called if a receiver is there. */
    networks: Type.Optional(Type.Array(Type.String({ pattern: NETWORK_PATTERN }), { maxItems: 1_000 })),
    /** PEM of the authority that signed the receivers' certificates, beside those that Node.js trusts; counted from the data directory. */
    ca: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 })),
  },
  { additionalProperties: false },
)
export type WebhookSettings = Static<typeof WebhookSettingsSchema>

/** What is wrong with a setting that its form does not say: where, and what. */
export function complaintAboutWebhooks({ networks = [] }: WebhookSettings): readonly [string, string] | undefined {
  const wrong = networks.findIndex((network) => networkIn(network) === undefined)
  if (wrong === -1) return undefined
  return [`webhooks/networks/${wrong}`, 'must be an address, or a network such as 10.1.0.0/16 or fd00:1::/64']
}

export interface Network {
  readonly address: string
  readonly bits: number
  readonly family: 'ipv4' | 'ipv6'
}

/** Undefined: it is none. */
export function networkIn(text: string): Network | undefined {
  const [address = '', length] = text.split('/')
  const version = isIP(address)
  if (version === 0) return undefined
  const all = version === 4 ? 32 : 128
  const bits = length === undefined ? all : Number(length)
  return bits > all ? undefined : { address, bits, family: version === 4 ? 'ipv4' : 'ipv6' }
}
