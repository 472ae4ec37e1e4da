import { Type } from 'typebox'
import { CountSchema, HandleSchema, ProposalIdSchema } from '../../events/ids.ts'
import { AnyValue, ElementPath, Handles, MaybeAbout, object, orNull, VoteSchema, YesOrNo } from './common.ts'

export const candidateEnds = [
  'replaced',
  'withdrawn',
  'turned_down',
  'conflict',
  'inactive',
  'key_taken',
  'erased',
  'removed',
] as const

export const CandidateSchema = object(
  {
    proposal: ProposalIdSchema,
    at: ElementPath,
    by: HandleSchema,
    value: AnyValue,
    isHeld: Type.Boolean(),
    audience: Type.Optional(Handles),
    state: Type.Enum(['open', 'conflict', 'agreed', 'ended']),
    why: Type.Optional(Type.Enum([...candidateEnds])),
    endedAt: Type.Optional(CountSchema),
    voters: Handles,
    votes: Type.Array(VoteSchema),
    waitsFor: Handles,
  },
  'Candidate',
)

/** How one party has voted on one candidate. `vote` null: not yet. */
export const TickSchema = object(
  { at: ElementPath, proposal: ProposalIdSchema, party: HandleSchema, vote: orNull(YesOrNo), about: MaybeAbout },
  'Tick',
)

/** What has become of a value that was put to the vote. */
export const CandidateFateSchema = object(
  {
    at: ElementPath,
    proposal: ProposalIdSchema,
    fate: Type.Enum(['open', 'agreed', ...candidateEnds]),
    votes: Type.Array(VoteSchema),
    waitsFor: Handles,
  },
  'CandidateFate',
)
