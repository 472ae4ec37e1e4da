import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import { type CommandType, commandSchemas } from '../../src/events/commands.ts'
import type { Handle } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import type { Payloads, Request } from '../../src/events/statement.ts'
import { bytesToSign, encodeSigned, type SignedStatement } from '../../src/events/statement-codec.ts'

type Commands = Request['commands']
type Json = Record<string, unknown>

/** What a liar asks for: a request that is well signed, and that nobody can make anything of. */
export interface Lie {
  readonly name: string
  readonly commands: Commands
  readonly payloads: Payloads
}

const HASH = '0123456789abcdef'.repeat(4)
const value = seal('lie', new Uint8Array(16))
const NOWHERE = '0.999999.7'
const LONG = 'x'.repeat(5_000)
const handle = 'zoe'
const reference = { handle, index: 0, seq: 999_999 }
const text = { type: 'text' }
const body = { kind: 'single' }
const vote = { hash: HASH, rule: 999_999, vote: 'yes' }

/**
 * A command of each kind that has its form, or nearly, and comes to nothing: what it is about is not there, or not its author's.
 * `OpenContract` is in the form of none, since its members are another file's.
 */
const bases: { readonly [Type in CommandType]: Json } = {
  AddBlock: { name: 'lie', parent: NOWHERE },
  AddEntry: { list: NOWHERE },
  AddField: { field: text, name: 'lie', parent: NOWHERE },
  AddList: { entriesMax: 5, entry: text, name: 'lie', parent: NOWHERE },
  AddRuleSet: { name: 'a\u202eb' },
  AdmitParty: { accepted: { acceptance: {}, signature: '' } },
  ArrangeChildren: { block: NOWHERE, order: [7] },
  BreakLock: { lock: 999_999 },
  BringTemplate: { bytes: 9, from: 3, hash: HASH, text: '"piece"' },
  CastVote: vote,
  DeclineInvitation: { declined: { decline: {}, signature: '' } },
  DefineType: { base: text, constraint: { pattern: '(' }, hints: {}, name: 'lie' },
  DraftRule: { at: NOWHERE, body, ruleSet: 999_999 },
  EditRule: { body, rule: 999_999, ruleSet: 1 },
  EmptyField: { basis: [], field: NOWHERE },
  EraseValues: { seals: [HASH] },
  GrantElement: { element: NOWHERE, to: handle },
  ImportTemplate: { at: '0', hash: HASH, name: 'lie', roles: { buyer: handle } },
  InviteParty: { party: { did: 'did:web:lie.example', handle, keys: {}, name: 'lie' } },
  KeepValues: { erasure: HASH },
  LockRecord: { purpose: 'no purpose' },
  OpenContract: { engine: 1, title: 'lie' },
  ProposeValue: { basis: [], field: NOWHERE, seal: value.seal },
  PublishRules: { ruleSets: [999_999], rules: [{ hash: HASH, rule: 999_999 }] },
  ReleaseLock: { of: 0 },
  RemoveElement: { element: NOWHERE },
  RemoveRule: { rule: 999_999 },
  RenameElement: { element: NOWHERE, name: 'lie' },
  ReopenEdit: { of: 0 },
  Resign: { reason: 'no reason' },
  RevealValue: { field: NOWHERE, proposal: `${handle}.0.0.0`, seal: value.seal },
  SetAudience: { element: NOWHERE, parties: [handle] },
  UpgradeEngine: { to: 999_999 },
  UpgradeTemplate: { element: NOWHERE, from: HASH, roles: {}, to: HASH },
  WithdrawChangeSet: { request: reference },
  WithdrawInvitation: { party: handle },
  WithdrawProposal: { field: NOWHERE, proposal: `${handle}.0.0.0` },
}

/** In place of a member's value. */
const others: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['a huge number', 1e300],
  ['a long text', LONG],
  ['an object', { constructor: { prototype: [] } }],
  ['true', true],
]

/** Kinds of ways in which a command is malformed. */
export const WAYS = ['as it is', 'without', 'as', 'with more', 'unknown'] as const

/** Every command, in every way. `n`: an own name for what it adds. */
export function* malformedCommands(): Generator<Lie> {
  for (const [type, base] of Object.entries(bases)) {
    const lie = (name: string, command: Json): Lie => ({
      commands: [command as Commands[number]],
      name: `${type} ${name}`,
      payloads: valuesOf(command),
    })
    yield lie('as it is', { ...base, type })
    yield lie('with more', { ...base, more: [], type })
    yield lie('unknown', { ...base, type: type.toLowerCase() })
    for (const member of Object.keys(base)) {
      const { [member]: _gone, ...without } = base
      // Nothing is left out that may be.
      if (type !== 'Resign' && Object.keys(base).length > 0) yield lie(`without ${member}`, { ...without, type })
      for (const [what, other] of others) yield lie(`as ${what}: ${member}`, { ...base, [member]: other, type })
    }
  }
  yield* invalidSteps()
}

/** Steps of templates, rules, erasures and attachments that have their form, and are none. */
function* invalidSteps(): Generator<Lie> {
  const steps: readonly (readonly [string, ...Json[]])[] = [
    ['template: a last piece that is none', { bytes: 3, from: 0, hash: HASH, text: '[7]', type: 'BringTemplate' }],
    ['template: more than it says', { bytes: 1, from: 0, hash: HASH, text: LONG, type: 'BringTemplate' }],
    ['template: two that overlap', ...overlapping],
    ['rule: an expression that refers to itself', draft({ condition: { language: 1, nodes: [['and', 0, 0]] } })],
    ['rule: an expression without end', draft({ condition: { language: 1, nodes: Array(2_000).fill(['not', 0]) } })],
    ['rule: another language', draft({ condition: { language: 999, nodes: [['null']] } })],
    [
      'rule: of nobody',
      { at: '0', body: { kind: 'validation', who: { fields: [], parties: [handle] } }, ruleSet: 1, type: 'DraftRule' },
    ],
    ['rule: a trigger that switches what it stands in', trigger],
    ['rule: published without a vote', { ruleSets: [1], rules: [], type: 'PublishRules' }],
    ['erasure: the same seal twice', { seals: [HASH, HASH], type: 'EraseValues' }],
    ['erasure: not alone', { seals: [HASH], type: 'EraseValues' }, { seals: [HASH], type: 'EraseValues' }],
    ['set: a command that refers to one behind it', { field: '#1', basis: [], seal: value.seal, type: 'ProposeValue' }],
  ]
  for (const [name, ...commands] of steps) {
    yield { commands: commands as Commands, name, payloads: Object.assign({}, ...commands.map(valuesOf)) }
  }
  const attachment = { bytes: 3, hash: HASH, name: 'a.txt', type: 'text/plain' }
  const values: readonly (readonly [string, unknown])[] = [
    ['of another type', { ...attachment, type: 'text/html' }],
    ['of no length', { ...attachment, bytes: 0 }],
    ['too long', { ...attachment, bytes: 1e15 }],
    ['without a hash', { ...attachment, hash: 'x' }],
    ['with a name that hides', { ...attachment, name: 'a\u202etxt.exe' }],
    ['with more', { ...attachment, more: 1 }],
    ['that is a text', 'a.txt'],
  ]
  for (const [n, [name, file]] of values.entries()) {
    const { payload, seal: sealed } = seal(file, new Uint8Array(16).fill(n))
    const added = { field: { type: 'attachment' }, name: `file ${n}`, parent: '0', type: 'AddField' }
    const proposed = { basis: [], field: '#0', seal: sealed, type: 'ProposeValue' }
    yield { commands: [added, proposed], name: `attachment: ${name}`, payloads: { [sealed]: payload } }
  }
}

/** Of what names a value in the form of one: it is not for want of that that nothing comes of it. */
function valuesOf({ seal: named }: Json): Payloads {
  return named === value.seal ? { [value.seal]: value.payload } : {}
}

const overlapping: readonly Json[] = [0, 2].map((from) => ({
  bytes: 50,
  from,
  hash: HASH.replaceAll('0', '1'),
  text: '{"from":{',
  type: 'BringTemplate',
}))
const trigger: Json = {
  at: '0',
  body: {
    activates: { blocks: ['0'], ruleSets: [] },
    condition: { language: 1, nodes: [['true']] },
    deactivates: { blocks: ['0'], ruleSets: [] },
    kind: 'trigger',
  },
  ruleSet: null,
  type: 'DraftRule',
}

function draft(more: Json): Json {
  return { at: '0', body: { kind: 'constraint', severity: 'reject', ...more }, ruleSet: 1, type: 'DraftRule' }
}

/** Of each kind of command, the ways in which it was malformed in these lies. */
export function waysIn(names: Iterable<string>): string[] {
  const seen = new Set<string>()
  for (const name of names) {
    const [type = '', ...rest] = name.split(' ')
    const way = WAYS.find((one) => rest.join(' ').startsWith(one))
    if (Object.hasOwn(commandSchemas, type) && way !== undefined) seen.add(`${type} ${way}`)
  }
  return [...seen].sort()
}

export const everyWay: readonly string[] = waysIn([...malformedCommands()].map(({ name }) => name))
export const everyLie: readonly string[] = [...malformedCommands()].map(({ name }) => name)

/** A line that is no statement of its signer, or none that anybody takes. */
export interface FalseLine {
  readonly name: string
  readonly line: string
}

type Change = (statement: Json) => unknown

const reference2 = { handle: 'ana' as Handle, index: 0, seq: 0 }
const request = (more: object) => (statement: Json) => {
  statement.requests = [{ commands: [{ type: 'ReleaseLock' }], id: 'lie', ...more }]
}

/** What is signed is changed. */
const changes: readonly (readonly [string, Change])[] = [
  ['of another version', (one) => Object.assign(one, { v: 2 })],
  ['with a member more', (one) => Object.assign(one, { more: 1 })],
  ['behind another', (one) => Object.assign(one, { prev: HASH })],
  ['at a later clock', (one) => Object.assign(one, { clock: Number(one.clock) + 5 })],
  ['of a contract that there is not', (one) => Object.assign(one, { contract: `1${'z'.repeat(51)}` })],
  ['at no time', (one) => Object.assign(one, { time: 'yesterday' })],
  ['a time without end', (one) => Object.assign(one, { time: LONG })],
  ['that covers itself', (one) => Object.assign(one, { seen: { ben: { hash: HASH, seq: 1e9 } } })],
  ['that covers what nobody says', (one) => Object.assign(one, { seen: { zoe: { hash: HASH, seq: 0 } } })],
  ['that covers a place before all', (one) => Object.assign(one, { seen: { ana: { hash: HASH, seq: -1 } } })],
  ['a head of no size', (one) => Object.assign(one, { head: { record: HASH, root: HASH, size: 1.5 } })],
  ['a request without commands', request({ commands: [] })],
  ['a request without a name', request({ id: '' })],
  ['a request with a long name', request({ id: LONG })],
  ['a request that is tentative in part', request({ tentative: 1 })],
  ['a request with a deadline that is none', request({ deadline: 'tomorrow' })],
  ['a command without a type', request({ commands: [{ of: 1 }] })],
  ['a command with a long type', request({ commands: [{ type: LONG }] })],
  ['a command that is a text', request({ commands: ['ReleaseLock'] })],
  ['a command as deep as can be', request({ commands: [{ deep: nested(200), type: 'ReleaseLock' }] })],
  [
    'more requests than a statement has',
    (one) => Object.assign(one, { requests: Array(2_000).fill({ commands: [], id: 'x' }) }),
  ],
  [
    'a refusal of its own',
    (one) => Object.assign(one, { refusals: [{ code: 'person', request: { ...reference2, handle: 'ben' } }] }),
  ],
  ['a refusal for no reason', (one) => Object.assign(one, { refusals: [{ code: 'mood', request: reference2 }] })],
  [
    'a decision on what is another’s',
    (one) => Object.assign(one, { decided: [{ decision: 'confirmed', request: reference2 }] }),
  ],
  ['a decision that is none', (one) => Object.assign(one, { decided: [{ decision: 'perhaps', request: reference2 }] })],
  [
    'a note that is not signed',
    (one) => Object.assign(one, { note: { root: HASH, signature: 'x', size: 1, time: 1 } }),
  ],
  ['a key that does nothing', (one) => Object.assign(one, { key: {} })],
  [
    'a key without a proof',
    (one) => Object.assign(one, { key: { rotate: { proof: 'ed25519:AA', signing: 'ed25519:AA' } } }),
  ],
  ['of a revocation that nobody has signed', (one) => Object.assign(one, { key: { revoke: { revocation: {} } } })],
  ...[
    'clock',
    'contract',
    'decided',
    'head',
    'party',
    'prev',
    'refusals',
    'requests',
    'seen',
    'seq',
    'time',
    'v',
  ].flatMap((member): (readonly [string, Change])[] => [
    [`without ${member}`, (one) => delete one[member]],
    [`with another ${member}`, (one) => Object.assign(one, { [member]: member === 'party' ? 7 : [7] })],
  ]),
]

/**
 * Statements in the place of one that its signer would make, each malformed in one way: what is signed, how it is written, its
 * signature, or what comes with it.
 */
export function* falseLines(
  { statement, payloads }: Pick<SignedStatement, 'statement' | 'payloads'>,
  signatureOf: (bytes: Uint8Array) => string,
): Generator<FalseLine> {
  const signed = (text: string, values: Payloads = payloads) =>
    encodeSigned(text, signatureOf(bytesToSign(text)), values)
  for (const [name, change] of changes) {
    const changed = structuredClone(statement) as unknown as Json
    change(changed)
    yield { line: signed(canonicalJson(changed)), name }
  }
  const honest = canonicalJson(statement)
  const { v: _v, ...rest } = statement
  yield { line: signed(JSON.stringify({ v: 1, ...rest })), name: 'in another order' }
  yield { line: signed(` ${honest}`), name: 'with a blank' }
  yield { line: signed(honest.replace('"v":1', '"v":1.0')), name: 'with a number that is written otherwise' }
  yield { line: signed(honest.replace('"v":1', '"v":1,"v":1')), name: 'with a member twice' }
  const signature = signatureOf(bytesToSign(honest))
  for (const [name, other] of [
    ['that is not signed', ''],
    ['with half of a signature', signature.slice(0, 40)],
    ['with a signature of another scheme', signature.replace('ed25519', 'ed448')],
    ['with a signature over something else', signatureOf(bytesToSign(`${honest} `))],
  ] as const) {
    yield { line: encodeSigned(honest, other, payloads), name }
  }
  const { payload, seal: sealed } = seal('lie', new Uint8Array(16))
  for (const [name, values] of [
    ['with a value that it does not name', { [sealed]: payload }],
    ['with another value under a seal', { [HASH]: payload }],
    ['with a value without a salt', { [sealed]: { value: 'lie' } }],
    ['with a value that is as deep as can be', { [sealed]: { salt: payload.salt, value: nested(200) } }],
  ] as const) {
    yield { line: encodeSigned(honest, signature, { ...payloads, ...(values as Payloads) }), name }
  }
}

function nested(levels: number): unknown {
  return levels === 0 ? 1 : [nested(levels - 1)]
}
