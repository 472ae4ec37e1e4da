import { type TSchema, Type } from 'typebox'
import {
  CountSchema,
  ElementIdSchema,
  EngineVersionSchema,
  HandleSchema,
  HashSchema,
  ProposalIdSchema,
} from '../../events/ids.ts'
import { RefusalCodeSchema } from '../../events/reasons.ts'
import { EngineVoteSchema, Handles, InContract, MaybeAbout, object, orNull, RequestKey } from './common.ts'
import { ObstacleSchema } from './contracts.ts'

/** A member that refuses a request, and why. */
export const RefusedBySchema = object(
  { handle: HandleSchema, seq: CountSchema, code: RefusalCodeSchema, about: MaybeAbout },
  'RefusedBy',
)

const listed = <Item extends TSchema>(items: Item) => object({ count: CountSchema, items: Type.Array(items) })
const votes = listed(
  object(
    { ...InContract, path: Type.String(), proposal: ProposalIdSchema, by: HandleSchema, waitsFor: Handles },
    'AwaitedVote',
  ),
)

/** What people should look at, over all contracts. */
export const AttentionSchema = object(
  {
    obstacles: listed(ObstacleSchema),
    conflicts: listed(object({ ...InContract, path: Type.String(), by: Handles })),
    overdue: listed(
      object({
        ...InContract,
        request: RequestKey,
        name: Type.String(),
        time: Type.String(),
        deadline: orNull(Type.String()),
        waitsFor: object({ what: Type.Enum(['answer', 'decision', 'order', 'head']), of: Handles }),
      }),
    ),
    refusals: listed(
      object({ ...InContract, request: RequestKey, index: CountSchema, by: Type.Array(RefusedBySchema) }),
    ),
    misbehaviour: listed(object({ ...InContract, kind: Type.String(), party: HandleSchema, seq: CountSchema })),
    behind: listed(object({ ...InContract, party: HandleSchema, signedSize: CountSchema, longestSize: CountSchema })),
    upgrades: listed(
      object({
        ...InContract,
        engine: EngineVersionSchema,
        votes: Type.Array(EngineVoteSchema),
        waitsFor: Handles,
      }),
    ),
    changeSets: listed(object({ ...InContract, request: RequestKey, by: HandleSchema, waitsFor: Handles })),
    votes,
    notices: votes,
    erasures: listed(
      object({
        ...InContract,
        erasure: HashSchema,
        by: HandleSchema,
        castAt: CountSchema,
        about: MaybeAbout,
        votes: Handles,
        waitsFor: Handles,
      }),
    ),
    templates: listed(
      object({
        ...InContract,
        element: ElementIdSchema,
        template: HashSchema,
        votes: Type.Array(object({ by: HandleSchema, to: HashSchema })),
        waitsFor: Handles,
      }),
    ),
    standingStill: listed(
      object({
        subject: Type.String(),
        position: CountSchema,
        stream: Type.String(),
        revision: CountSchema,
        reason: Type.String(),
      }),
    ),
  },
  'Attention',
)
