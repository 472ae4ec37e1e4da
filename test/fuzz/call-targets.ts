import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noTypes } from '../../src/aggregates/contract/document/types.ts'
import { NODE_HEADER } from '../../src/api/http/node-header.ts'
import { parsePreferences, WAIT_SECONDS_MAX } from '../../src/api/http/prefer-header.ts'
import { apiClient } from '../../src/cli/api-client.ts'
import { memoryGuard } from '../../src/contracts/signing/signing-guard.ts'
import { domains, sha256 } from '../../src/crypto/hash.ts'
import { generateKeyPair } from '../../src/crypto/key-pair.ts'
import { keySigner } from '../../src/crypto/signer.ts'
import { changesFromJson } from '../../src/documents/changes.ts'
import { textOf, valueFromText } from '../../src/documents/field-text.ts'
import type { BuiltInType } from '../../src/events/field-type.ts'
import type { Handle } from '../../src/events/ids.ts'
import { codeIn } from '../../src/gossip/transport/peer-client.ts'
import { AccessTokens } from '../../src/node/oidc/access-tokens.ts'
import { decodeAnswer, decodeCall } from '../../src/node/signer/protocol.ts'
import { SignerClient } from '../../src/node/signer/signer-client.ts'
import { serveSigner } from '../../src/node/signer/signer-server.ts'
import { frontiersIn } from '../../src/node/tracing/exchange-traces.ts'
import { isTraceparent, partsOf } from '../../src/node/tracing/traceparent.ts'
import { parsePointInTime } from '../../src/projections/export/point-in-time.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { parseStream } from '../../src/store/streams.ts'
import { CONTRACT, market } from '../support/market.ts'
import { OidcIssuer } from '../support/oidc-issuer.ts'
import { isTyped } from './fuzz.ts'
import { parse, type Target } from './target.ts'

const [ana] = market('ana', 'ben')
const signer = keySigner(generateKeyPair().privateKey)
const guarded = { seq: 0, hash: sha256('x'), line: 'x' }
const bytes = Buffer.from(`${domains.statement}${JSON.stringify({ contract: CONTRACT, seq: 1 })}`).toString('base64')
const calls = [
  { do: 'keys' },
  { do: 'add' },
  { do: 'sign', key: signer.publicKey, bytes },
  { do: 'read', contract: CONTRACT },
  { do: 'advance', contract: CONTRACT, from: null, to: guarded },
].map((call, id) => JSON.stringify({ id, ...call }))
const problem = { code: 'guard_refused', message: 'no', evidence: { contract: CONTRACT } }
const answers = [{ result: `ed25519:${'A'.repeat(86)}` }, { result: guarded }, { problem }].map((answer) =>
  JSON.stringify({ id: 1, ...answer }),
)

const dir = mkdtempSync(join(tmpdir(), 'fuzz-'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))

/** The signer's process: each text is a line, or several, of a client of its own. */
function signerTarget(): Target {
  const socket = join(dir, 'server.sock')
  const faults: unknown[] = []
  const keys = {
    publicKeys: [signer.publicKey],
    newest: signer.publicKey,
    add: async () => signer.publicKey,
    refresh: async () => {},
    signerOf: (key: string) => (key === signer.publicKey ? signer : undefined),
  }
  const failed = (error: unknown) => isTyped(error) || faults.push(error)
  const server = serveSigner(socket, { keys, guard: memoryGuard(), failed })
  const LAST = 999_999_999
  return {
    name: 'a line to the signer',
    valid: calls,
    share: 0.5,
    async decode(text) {
      await server
      const said = await saidBy(socket, `${text}\n{"id":${LAST},"do":"keys"}\n`, (all) => all.includes(`"id":${LAST},`))
      for (const line of said.split('\n').slice(0, -1)) decodeAnswer(line)
      if (faults.length > 0) throw faults[0]
      return undefined
    },
    close: async () => (await server).close(),
  }
}

/** Whatever comes until that is whole, or until the other end closes. */
function saidBy(socket: string, text: string, isWhole: (all: string) => boolean): Promise<string> {
  return new Promise((resolve) => {
    let all = ''
    const connection = connect(socket)
    connection.setEncoding('utf8')
    connection.on('data', (more: string) => {
      all += more
      if (isWhole(all)) connection.destroy()
    })
    connection.on('error', () => {})
    connection.on('close', () => resolve(all))
    connection.write(text)
  })
}

/** A client of the signer: the text is what the other end says where an answer is due. */
function signerClientTarget(): Target {
  const path = join(dir, 'client.sock')
  let text = ''
  const server = createServer((socket) => {
    socket.on('error', () => {})
    let calls = 0
    socket.on('data', () => {
      if (calls++ === 0) socket.write(`{"id":0,"result":{"keys":["${signer.publicKey}"]}}\n`)
      else socket.end(`${text}\n`)
    })
  })
  const listening = listen(server, path)
  return {
    name: 'what the signer answers',
    valid: answers,
    share: 0.5,
    async decode(said) {
      await listening
      text = said
      const client = await SignerClient.open(path)
      try {
        if (said.length % 2 === 0) await client.guard.read(CONTRACT)
        else await client.signerOf(signer.publicKey)?.sign(new Uint8Array(1))
      } finally {
        client.close()
      }
      return undefined
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

function listen(server: Server, where: string | 0): Promise<void> {
  return new Promise((resolve) => {
    if (where === 0) server.listen(0, '127.0.0.1', resolve)
    else server.listen(where, resolve)
  })
}

const tokenOf = (issuer: OidcIssuer) => ({
  issuer: issuer.url,
  audience: 'concordata',
  rolesClaim: ['realm', 'roles'],
  roleMap: { readers: ['reader' as const] },
})
const tokenPorts = { clock: systemClock, failed() {} }
const issuer = await OidcIssuer.start()
const tokens = await AccessTokens.open(dir, tokenOf(issuer), tokenPorts)
/** Long enough for the longest run. */
const exp = Math.floor(Date.now() / 1000) + 86_400
const token = await issuer.token({ realm: { roles: ['readers'] }, exp })
const [head, claims, signature] = token.split('.') as [string, string, string]
const decoded = [head, claims].map((part) => Buffer.from(part, 'base64url').toString())

/** What an issuer publishes: asked for by a node that knows nothing of it yet. */
function issuerTarget(path: string, name: string): Target {
  let text = ''
  const serve: RequestListener = (_, response) => response.end(text)
  const discovery = { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` }
  const keySet = { keys: issuer.keys.map(({ jwk }) => jwk) }
  return {
    name,
    valid: [JSON.stringify(path === '/keys' ? keySet : discovery)],
    share: 0.2,
    async decode(said) {
      issuer.instead.set(path, serve)
      text = said
      const fresh = await AccessTokens.open(dir, tokenOf(issuer), tokenPorts)
      try {
        await fresh.whoIs(token)
      } finally {
        issuer.instead.delete(path)
        await fresh.close()
      }
      return undefined
    },
  }
}

/** What the command line is answered at the address of its node, by whatever program listens there. */
function apiTarget(): Target {
  let text = ''
  const server = createHttpServer((_, response) =>
    response.writeHead(text.length % 3 === 0 ? 409 : 200, { [NODE_HEADER]: 'inward' }).end(text),
  )
  const listening = listen(server, 0)
  return {
    name: 'what the command line is answered',
    valid: ['{"code":"not_invited","detail":"no","status":409}', '[{"contract":"x"}]'],
    share: 0.5,
    async decode(said) {
      await listening
      text = said
      const { port } = server.address() as AddressInfo
      await apiClient(`http://127.0.0.1:${port}`, 'x').call('GET', '/')
      return undefined
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const ground = {
  types: noTypes,
  agreed: new Map(),
  own: new Map(),
  audienceAt: () => undefined,
  fileUnder: () => undefined,
  newSalt: () => new Uint8Array(16),
}
const types: BuiltInType[] = [
  { type: 'text' },
  { type: 'integer' },
  { type: 'decimal' },
  { type: 'boolean' },
  { type: 'money' },
  { type: 'date' },
]

/** What somebody says on a connection: another party, a user, a process of this party, an issuer of tokens. */
export const callTargets: readonly Target[] = [
  {
    name: 'a call to the signer',
    valid: calls,
    decode(text) {
      decodeCall(text)
      return undefined
    },
  },
  {
    name: 'an answer of the signer',
    valid: answers,
    decode(text) {
      decodeAnswer(text)
      return undefined
    },
  },
  signerTarget(),
  signerClientTarget(),
  {
    name: 'an access token',
    valid: [token],
    async decode(text) {
      await tokens.whoIs(text)
      return undefined
    },
  },
  {
    name: 'an access token of JSON that the issuer has signed',
    valid: decoded,
    share: 0.5,
    async decode(text) {
      const part = Buffer.from(text).toString('base64url')
      await tokens.whoIs(text.includes('kid') ? `${part}.${claims}.${signature}` : await issuer.signed(text))
      return undefined
    },
  },
  issuerTarget('/.well-known/openid-configuration', 'the discovery document of an issuer'),
  {
    ...issuerTarget('/keys', 'the keys of an issuer'),
    close: async () => {
      await tokens.close()
      await issuer.goDown()
    },
  },
  apiTarget(),
  {
    name: 'the problem that a peer tells',
    valid: ['{"code":"party_unknown","detail":"x"}'],
    decode(text) {
      const code = codeIn(Buffer.from(text))
      return code === undefined ? null : () => (/^[a-z_]{1,64}$/.test(code) ? text : code)
    },
  },
  {
    name: 'of what a traced message speaks',
    valid: [`{"contracts":{"${CONTRACT}":{"ana":{"hash":"${sha256('x')}","seq":3}}},"v":1}\nx`],
    decode(text) {
      for (const seq of frontiersIn(text, 'ana' as Handle).values()) {
        if (seq !== undefined && typeof seq !== 'number') throw new Error(`${seq} is no place`)
      }
      return undefined
    },
  },
  {
    name: 'a traceparent',
    valid: [`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`],
    decode(text) {
      if (!isTraceparent(text)) return null
      const { traceId, spanId } = partsOf(text)
      return () => `00-${traceId}-${spanId}-${text.slice(-2)}`
    },
  },
  {
    name: 'a header Prefer',
    valid: ['respond-async, wait=10', 'handling="lenient"; x=y, wait="5"'],
    decode(text) {
      const { waitSeconds = 0 } = parsePreferences(text)
      if (!(waitSeconds >= 0 && waitSeconds <= WAIT_SECONDS_MAX)) throw new Error(`waits ${waitSeconds} s`)
      return undefined
    },
  },
  {
    name: 'the text of a value',
    valid: ['USD 1250000.00', 'true', '-17', '2026-01-31', '1.50', 'Mexico'],
    decode(text) {
      const type = types[text.length % types.length] as BuiltInType
      const value = valueFromText(type, text)
      const again = textOf(value)
      return () => (textOf(valueFromText(type, again)) === again ? text : again)
    },
  },
  {
    name: 'what is to be written',
    valid: [
      '{"Country":"Peru","b":{"c":1.5}}',
      '{"a":{"$field":{"type":"choice","options":["A"]},"$value":"A"}}',
      '{"L":{"$list":{"entry":{"K":{"$field":{"type":"text"}}},"entriesMax":3,"key":"K"}}}',
    ],
    decode(text) {
      const parsed = parse(text)
      const { document } = ana.state.settling.agreed
      if (parsed !== undefined) changesFromJson(document, [], parsed.value, 'post', ground)
      return undefined
    },
  },
  {
    name: 'a point in time',
    valid: ['17', '2026-01-31', '2026-01-31T12:00:00.5+01:00'],
    decode(text) {
      parsePointInTime(text)
      return undefined
    },
  },
  {
    name: 'the name of a stream',
    valid: [`feed-${CONTRACT}-ana`, `contract-${CONTRACT}`, 'outbox-asks'],
    decode(text) {
      const named = parseStream(text)
      if (named === undefined) return null
      if (named.kind === 'feed') return () => `feed-${named.contract}-${named.handle}`
      return () => ('contract' in named ? `${named.kind}-${named.contract}` : named.kind)
    },
  },
]
