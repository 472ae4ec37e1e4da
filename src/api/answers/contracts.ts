import { Type } from 'typebox'
import { obstacleCodes } from '../../contracts/obstacles/obstacles.ts'
import { CountSchema, EngineVersionSchema, HandleSchema, HashSchema, UidSchema } from '../../events/ids.ts'
import { LockPurposeSchema } from '../../events/reasons.ts'
import {
  AnyValue,
  EngineVoteSchema,
  Handles,
  Head,
  HeadSchema,
  InContract,
  MaybeAbout,
  mapOf,
  object,
  orNull,
  Phase,
} from './common.ts'

const summary = {
  contract: UidSchema,
  title: Type.String(),
  standing: Type.Enum(['member', 'invited', 'resigned', 'stranger']),
  members: Handles,
  engine: EngineVersionSchema,
  engineVotes: Type.Array(EngineVoteSchema),
  phase: Phase,
  ...Head,
  tier: Type.Enum([1, 3, 4]),
  self: HandleSchema,
}
export const ContractSummarySchema = object(summary, 'ContractSummary')

const ObstacleCode = Type.Enum([...obstacleCodes])
/** What stops a contract, or the node. */
export const ObstacleSchema = object(
  {
    code: ObstacleCode,
    ...InContract,
    contract: orNull(UidSchema),
    parties: Handles,
    givenUp: Type.Optional(CountSchema),
    meaning: Type.String(),
    remedy: Type.String(),
  },
  'Obstacle',
)

const lock = { index: CountSchema, holder: HandleSchema, purpose: LockPurposeSchema, breakVotes: Handles }
export const LockSchema = Type.Union([
  object({ locked: Type.Literal(false) }, 'Unlocked'),
  object({ locked: Type.Literal(true), ...lock, about: MaybeAbout }, 'Locked'),
])

const details = {
  invited: Handles,
  acknowledged: CountSchema,
  signedSize: mapOf(CountSchema),
  frontier: mapOf(Type.Integer()),
  divergences: Type.Array(
    object({ party: HandleSchema, seq: CountSchema, theirs: HeadSchema, ours: HeadSchema }, 'Divergence'),
  ),
  accused: Type.Array(object({ party: HandleSchema, seq: CountSchema }, 'Accused')),
  lock: orNull(object({ ...lock, about: Type.Optional(HashSchema) }, 'Lock')),
  obstacle: orNull(ObstacleCode),
  obstacles: Type.Array(ObstacleSchema),
  engineUnknown: orNull(EngineVersionSchema),
  awaited: Handles,
  questions: CountSchema,
}
/** One that has not begun: nothing of it has been acknowledged. */
const AwaitedContractSchema = object(details, 'AwaitedContract')
export const ContractSchema = Type.Union([object({ ...summary, ...details }, 'Contract'), AwaitedContractSchema])

export const FullContractSchema = object(
  { contract: UidSchema, title: Type.String(), ...Head, document: AnyValue },
  'FullContract',
)

export const EngineSchema = object(
  {
    engine: EngineVersionSchema,
    since: CountSchema,
    phase: Phase,
    votes: Type.Array(EngineVoteSchema),
    available: Type.Array(EngineVersionSchema),
  },
  'Engine',
)
