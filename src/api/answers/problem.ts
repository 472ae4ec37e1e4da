import { Type } from 'typebox'
import { CountSchema, HandleSchema, HashSchema } from '../../events/ids.ts'
import { RefusedBySchema } from './attention.ts'
import { CandidateFateSchema } from './candidates.ts'
import { Handles, HoldUps, orNull, ShownAboutSchema, voidDetails } from './common.ts'
import { RefusingRuleSchema } from './rule.ts'

const Text = Type.Optional(Type.String())
const Count = Type.Optional(CountSchema)

/** What an expression is refused for. */
const FaultSchema = Type.Object(
  {
    code: Type.String(),
    message: Type.String(),
    from: CountSchema,
    to: CountSchema,
    suggestion: Text,
  },
  { title: 'ExpressionFault', additionalProperties: false },
)

/**
 * A problem document (RFC 9457), with every member that evidence can have. `path`: of the document, or, of `request_malformed`, a JSON
 * pointer into what was sent; `expected`: what stands there if it is right; `options`: what can stand there; `limit`: what is exceeded.
 */
export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    code: Type.String(),
    detail: Type.String(),

    ...voidDetails,
    expected: Type.Optional(orNull(Type.String())),
    at: Type.Optional(Type.Union([Type.String(), CountSchema])),
    element: Text,
    name: Text,
    fault: Text,
    place: Count,
    codePoint: Text,
    rule: Type.Optional(Type.Union([RefusingRuleSchema, CountSchema])),
    rules: Type.Optional(Type.Array(CountSchema)),
    text: Text,
    from: Count,
    to: Count,
    suggestion: Text,
    faults: Type.Optional(Type.Array(FaultSchema)),
    why: Type.Optional(Type.Union([Type.String(), HoldUps])),

    contract: Text,
    request: Text,
    index: Count,
    size: Count,
    command: Count,
    with: Type.Optional(Type.Array(Type.String())),
    by: Type.Optional(Type.Union([Type.Array(RefusedBySchema), orNull(HandleSchema)])),
    about: Type.Optional(Type.Union([ShownAboutSchema, HashSchema])),
    because: Text,
    candidates: Type.Optional(Type.Array(CandidateFateSchema)),
    waitingFor: Type.Optional(Handles),
    proposal: Text,
    audience: Type.Optional(Handles),
    erasure: Type.Optional(HashSchema),
    isErased: Type.Optional(Type.Literal(true)),
    template: Type.Optional(HashSchema),
    values: Count,
    handle: Text,
    header: Text,
    isOnItsWay: Type.Optional(Type.Boolean()),
    parts: Type.Optional(Type.Array(Type.String())),
    party: Text,
    parties: Type.Optional(Type.Array(Type.String())),
    receiver: Text,
    role: Text,
    roles: Type.Optional(Type.Array(Type.String())),
    reason: Text,
    retryAfterSeconds: Count,
    mediaType: Text,
    charset: Text,
    obstacle: Type.Optional(orNull(Type.String())),
    statements: Count,
    publicKey: Text,
    signing: Text,
    engine: Count,
    engines: Type.Optional(Type.Array(CountSchema)),
    seq: Count,
    hash: Text,
    seal: Text,
    founder: Text,
    piece: Count,
    mode: Text,
    revision: Type.Optional(Type.Integer()),
    sqlite: Text,
    stream: Text,
    position: Count,
    socket: Text,
    commands: Count,
    commandsPerRequest: Count,
    bytes: Count,
    bytesMax: Count,
    valueBytes: Count,
    indexMax: Count,
    max: Count,
  },
  { title: 'Problem', additionalProperties: false },
)
