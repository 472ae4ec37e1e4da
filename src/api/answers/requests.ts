import { Type } from 'typebox'
import { requestStages } from '../../contracts/requests/progress.ts'
import { CountSchema, HandleSchema, HashSchema, ProposalIdSchema, UidSchema } from '../../events/ids.ts'
import { UserSchema } from '../../events/parties/user.ts'
import { WithdrawalCodeSchema } from '../../events/reasons.ts'
import { CommandEnvelopeSchema } from '../../events/statement.ts'
import { requestStates } from '../../projections/queries/request-records.ts'
import { RefusedBySchema } from './attention.ts'
import {
  AnyValue,
  ElementPath,
  Handles,
  HeldUp,
  MaybeAbout,
  mapOf,
  object,
  RequestKey,
  ShownAboutSchema,
  Time,
  VoidReasonSchema,
} from './common.ts'

/** The fate of an acknowledged request. */
export const OutcomeSchema = Type.Union(
  [
    object({ kind: Type.Literal('accepted') }),
    object({
      kind: Type.Literal('withdrawn'),
      seq: CountSchema,
      code: WithdrawalCodeSchema,
      about: MaybeAbout,
    }),
    object({ kind: Type.Literal('refused'), by: Type.Array(RefusedBySchema) }),
    object({ kind: Type.Literal('void'), reason: VoidReasonSchema }),
  ],
  { title: 'Outcome' },
)

/** Who asked for it at its author's, where that is held. */
const ShownUserSchema = object(
  { seal: HashSchema, isHeld: Type.Boolean(), ...Type.Partial(UserSchema).properties },
  'User',
)

/** How far a request has come, and for whom it waits. */
const status = {
  request: RequestKey,
  state: Type.Enum([...requestStages]),
  tier: Type.Enum([0, 1, 3, 4]),
  index: Type.Optional(CountSchema),
  about: MaybeAbout,
  user: Type.Optional(ShownUserSchema),
  outcome: Type.Optional(OutcomeSchema),
  waitsFor: Type.Optional(object({ what: Type.Enum(['answer', 'decision', 'order', 'head', 'note']), of: Handles })),
  candidates: Type.Optional(Type.Array(object({ at: ElementPath, proposal: ProposalIdSchema, waitsFor: Handles }))),
  ...HeldUp,
}
export const RequestStatusSchema = object(status, 'RequestStatus')

/** Those that are found; of one that is asked for by its name all that is known. */
export const RequestsSchema = object(
  {
    requests: Type.Array(
      Type.Union([
        object(
          {
            contract: UidSchema,
            request: RequestKey,
            by: HandleSchema,
            time: Type.String(),
            state: Type.Enum([...requestStates], {
              description:
                '`pending`: signed, and not settled yet (signed, answered, confirmed or acknowledged); else the end that it came to.',
            }),
            index: Type.Optional(CountSchema),
            code: Type.Optional(Type.String()),
            waitsFor: Type.Optional(object({ what: Type.Enum(['answer', 'decision', 'order', 'head']), of: Handles })),
          },
          'FoundRequest',
        ),
        object({ contract: UidSchema, ...status }, 'RequestStatusInContract'),
      ]),
    ),
    next: Type.Optional(CountSchema),
  },
  'Requests',
)

/** A request of another party on which this node asks a person. */
export const QuestionSchema = object(
  {
    request: RequestKey,
    by: HandleSchema,
    commands: Type.Array(CommandEnvelopeSchema),
    about: MaybeAbout,
    values: mapOf(AnyValue),
    abouts: mapOf(ShownAboutSchema),
    until: Time,
    otherwise: Type.Enum(['acknowledge', 'refuse']),
    reason: Type.String(),
  },
  'Question',
)
