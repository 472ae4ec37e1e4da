import { Type } from 'typebox'
import { CountSchema, ElementIdSchema, EngineVersionSchema, HashSchema, ProposalIdSchema } from '../../events/ids.ts'
import { RuleNumberSchema } from '../../events/rule.ts'
import { CandidateFateSchema } from './candidates.ts'
import { AnyValue, ElementPath, Handles, HeldUp, object, RequestKey, VoidReasonSchema, voidDetails } from './common.ts'
import { RefusingRuleSchema } from './rule.ts'

const Path = ElementPath

/** Of what was asked for with `split`: the requests that it was, as far as they were made. */
const inParts = { parts: Type.Optional(Type.Array(RequestKey)) }
/** What has become of a change set that was proposed, or of what was voted on. */
const VoteFateSchema = object(
  {
    changeSet: Type.Optional(RequestKey),
    proposal: Type.Optional(ProposalIdSchema),
    engine: Type.Optional(EngineVersionSchema),
    erasure: Type.Optional(HashSchema),
    lock: Type.Optional(CountSchema),
    element: Type.Optional(ElementIdSchema),
    template: Type.Optional(HashSchema),
    rule: Type.Optional(RuleNumberSchema),
    hash: Type.Optional(HashSchema),
    phase: Type.Optional(Type.Literal('edit')),
    state: Type.Enum(['open', 'agreed', 'ended']),
    waitsFor: Type.Optional(Handles),
    endedAt: Type.Optional(CountSchema),
    changes: Type.Optional(
      object({
        values: CountSchema,
        computed: CountSchema,
        added: CountSchema,
        removed: CountSchema,
        renamed: CountSchema,
        granted: CountSchema,
        arranged: CountSchema,
        erased: CountSchema,
      }),
    ),
    why: Type.Optional(Type.String()),
    reason: Type.Optional(VoidReasonSchema),
  },
  'VoteFate',
)
/** Agreed: every member has signed for it. */
const AgreedSchema = object(
  {
    request: RequestKey,
    index: CountSchema,
    vote: Type.Optional(VoteFateSchema),
    rule: Type.Optional(RuleNumberSchema),
    ruleSet: Type.Optional(RuleNumberSchema),
    ...inParts,
  },
  'Agreed',
)
/** All that was to be written stands agreed already. */
const UnchangedSchema = object({ unchanged: Type.Literal(true) }, 'Unchanged')
/** Confirmed, or signed, and not settled yet. */
const PendingSchema = object({ request: RequestKey, ...HeldUp, ...inParts }, 'Pending')
/** What was written waits for votes. */
const VotingSchema = object(
  { request: RequestKey, waitingFor: Type.Literal('votes'), candidates: Type.Array(CandidateFateSchema), ...inParts },
  'Voting',
)

const effects = {
  outcome: Type.Enum(['accepted', 'void', 'undecided']),
  reason: Type.Optional(VoidReasonSchema),
  rule: Type.Optional(RefusingRuleSchema),
  fields: Type.Array(object({ path: Path, value: AnyValue, rule: Type.Optional(RuleNumberSchema) })),
  ended: Type.Array(object({ path: Path, proposal: Type.String(), why: Type.String() })),
  switched: Type.Array(
    object({ path: Type.Optional(Path), ruleSet: Type.Optional(RuleNumberSchema), active: Type.Boolean() }),
  ),
  flagged: Type.Array(object({ path: Path, rule: RuleNumberSchema, holds: Type.Boolean() })),
}
const WarningSchema = object(
  {
    code: Type.Enum(['rule_may_exceed_steps', 'request_may_exceed_steps', 'rights_unguarded']),
    rule: Type.Optional(RuleNumberSchema),
    path: Type.Optional(Path),
    steps: Type.Optional(Type.Number()),
    limit: Type.Optional(Type.Number()),
  },
  'PublicationWarning',
)
/** What would happen. */
const DryRunSchema = object(
  {
    dryRun: Type.Literal(true),
    ...effects,
    ...voidDetails,
    candidates: Type.Array(object({ path: Path, voters: Handles })),
    changeSets: Type.Array(
      object({
        request: RequestKey,
        fate: Type.Enum(['waits', 'agreed', 'ended']),
        voters: Type.Optional(Handles),
        why: Type.Optional(Type.String()),
        reason: Type.Optional(VoidReasonSchema),
      }),
    ),
    erasure: Type.Optional(
      object({
        erasure: HashSchema,
        values: CountSchema,
        at: Type.Array(ElementPath),
        votes: Handles,
        waitsFor: Handles,
      }),
    ),
    publication: Type.Optional(
      object({ ruleSets: Type.Array(RuleNumberSchema), warnings: Type.Array(WarningSchema), ...effects }),
    ),
  },
  'DryRun',
)

/** What a request that is made, or tried, is answered (`request-response.ts`). */
export const written = {
  200: Type.Union([AgreedSchema, UnchangedSchema, DryRunSchema]),
  201: AgreedSchema,
  202: Type.Union([PendingSchema, VotingSchema]),
}
