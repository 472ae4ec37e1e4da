import { isUtf8 } from 'node:buffer'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { assertAdmissibleKey } from '../../crypto/ed25519.ts'
import { publicKeyJwk, taggedJwk } from '../../crypto/tagged.ts'
import type { Keys, PartyCard } from '../../events/parties/party-card.ts'
import { EXCHANGE_PATH } from '../../gossip/transport/protocol.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { firstErrorText } from '../../runtime/first-error.ts'
import { exceededBound } from '../../runtime/json-bounds.ts'

/** What is served for a DID is no DID document of it, or names no party of Concordata. Evidence: `did`. */
export class DidDocumentMalformed extends ConcordataError {}

/** What the DID document of a party says: under which keys it is to be found, and where. */
export interface FiledParty {
  readonly keys: Keys
  /** `https://host[:port]` */
  readonly endpoint: string
}

const SERVICE_TYPE = 'ConcordataExchange'
const SIGNING = '#signing'
const RECOVERY = '#recovery'
/** Far above what a company files. */
const DOCUMENT_BOUNDS = { depthMax: 16, membersMax: 2048 }

const open = { additionalProperties: Type.Unknown() }
const MethodSchema = Type.Object({ id: Type.String() }, open)
const ServiceSchema = Type.Object({ type: Type.Unknown() }, open)
const documentForm = Compile(
  Type.Object(
    {
      id: Type.String(),
      verificationMethod: Type.Array(MethodSchema),
      assertionMethod: Type.Array(Type.Unknown()),
      service: Type.Array(ServiceSchema),
    },
    open,
  ),
)
const keyForm = Compile(
  Type.Object(
    {
      publicKeyJwk: Type.Object(
        { kty: Type.Literal('OKP'), crv: Type.Literal('Ed25519'), x: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }) },
        open,
      ),
    },
    open,
  ),
)
const endpointForm = Compile(
  Type.Object({ serviceEndpoint: Type.String({ pattern: `^https://[^/?#@\\s]{1,260}${EXCHANGE_PATH}$` }) }, open),
)

/**
 * A DID document (W3C DID Core 1.0, JsonWebKey) of what stays the same while certificates come and go: so it can be filed once, at the
 * address that the DID stands for, and generic tools find keys and endpoint.
 */
export function didDocument({ did, keys }: Pick<PartyCard, 'did' | 'keys'>, endpoint: string) {
  const method = (id: string, key: string) => ({
    id: `${did}${id}`,
    type: 'JsonWebKey',
    controller: did,
    publicKeyJwk: publicKeyJwk(key),
  })
  return {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/jwk/v1'],
    id: did,
    verificationMethod: [method(SIGNING, keys.signing), method(RECOVERY, keys.recovery)],
    assertionMethod: [`${did}${SIGNING}`],
    service: [{ id: `${did}#exchange`, type: SERVICE_TYPE, serviceEndpoint: `${endpoint}${EXCHANGE_PATH}` }],
  }
}

/**
 * What a document that is served for this DID says of it; a document may say more. Attacker-controlled: `bytes`, whole.
 * Throws DidDocumentMalformed, and `key_not_admissible`.
 */
export function readDidDocument(did: string, bytes: Uint8Array): FiledParty {
  const document = parse(did, bytes)
  if (!documentForm.Check(document)) throw malformed(did, firstErrorText(documentForm, document))
  if (document.id !== did) throw malformed(did, 'it is of another DID')
  const keyNamed = (id: string): string => {
    const [method, ...more] = document.verificationMethod.filter((other) => other.id === id || other.id === did + id)
    const key = keyForm.Check(method) ? taggedJwk(method.publicKeyJwk) : undefined
    if (key === undefined || more.length > 0) throw malformed(did, `it has not one Ed25519 key ${id} as publicKeyJwk`)
    assertAdmissibleKey(key)
    return key
  }
  const [signing, recovery] = [keyNamed(SIGNING), keyNamed(RECOVERY)]
  if (!document.assertionMethod.some((method) => method === SIGNING || method === did + SIGNING))
    throw malformed(did, `its assertionMethod does not name ${SIGNING}`)
  const [service, ...others] = document.service.filter(({ type }) => [type].flat().includes(SERVICE_TYPE))
  if (!endpointForm.Check(service) || others.length > 0)
    throw malformed(did, `it has not one service ${SERVICE_TYPE} at https://host[:port]${EXCHANGE_PATH}`)
  const text = service.serviceEndpoint
  const endpoint = URL.canParse(text) ? new URL(text).origin : ''
  if (text !== `${endpoint}${EXCHANGE_PATH}`) throw malformed(did, 'its endpoint is not spelt as URLs are')
  return { keys: { signing, recovery }, endpoint }
}

function parse(did: string, bytes: Uint8Array): unknown {
  if (!isUtf8(bytes)) throw malformed(did, 'it is no UTF-8')
  const text = Buffer.from(bytes).toString()
  if (exceededBound(text, DOCUMENT_BOUNDS) !== undefined)
    throw malformed(did, 'it has more members, or deeper ones, than are read')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw malformed(did, 'it is not JSON', { cause })
  }
}

function malformed(did: string, what: string, options?: ErrorOptions): DidDocumentMalformed {
  const message = `what is served for ${did} is no DID document of a party: ${what}`
  return new DidDocumentMalformed('did_document_malformed', message, { did }, options)
}
