import { Type } from 'typebox'
import { AudienceSchema } from '../../events/audience.ts'
import { CharterSchema } from '../../events/charter.ts'
import {
  CountSchema,
  ElementIdSchema,
  EngineVersionSchema,
  HandleSchema,
  HashSchema,
  PublicKeySchema,
  TimeSchema,
  UidSchema,
} from '../../events/ids.ts'
import { LimitsSchema } from '../../events/limits.ts'
import { lockPurposes, RefusalCodeSchema, resignationReasons, WithdrawalCodeSchema } from '../../events/reasons.ts'
import { RuleBodySchema } from '../../events/rule.ts'
import { CommandEnvelopeSchema } from '../../events/statement.ts'
import { ConstraintSchema, HintsSchema } from '../../events/type-definition.ts'
import {
  audited,
  count,
  derived,
  type Entity,
  type EntityName,
  entity,
  flag,
  index,
  indexed,
  json,
  localId,
  maybe,
  of,
  oneOf,
  text,
} from './entity.ts'

const closed = { additionalProperties: false }
const hash = text('hash', HashSchema)
const handle = text('handle', HandleSchema)
const time = text('date-time', TimeSchema)
/** The statement with which it came: `<handle>.<seq>`. */
const statement = text('text')
const universalId = derived(text('universal-id'))
const known = { id: localId, universalId }

const DOCUMENTS = 'what stands in a document is written by its names, at /new-api/<uid>/<path>'
const REQUESTS =
  'requests, and the answers to them, come about by writing to documents, voting, and the like: only the system itself writes them down'

const EngineVotes = Type.Array(Type.Object({ by: HandleSchema, to: EngineVersionSchema }, closed))
const Commands = Type.Array(CommandEnvelopeSchema)
const Fate = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('void'),
      reason: Type.Object(
        { code: Type.String(), command: CountSchema, with: Type.Optional(Type.Array(Type.String())) },
        closed,
      ),
    },
    closed,
  ),
  Type.Object(
    {
      kind: Type.Literal('refused'),
      by: Type.Array(
        Type.Object(
          { handle: HandleSchema, seq: CountSchema, code: RefusalCodeSchema, about: Type.Optional(HashSchema) },
          closed,
        ),
      ),
    },
    closed,
  ),
  Type.Object(
    {
      kind: Type.Literal('withdrawn'),
      seq: CountSchema,
      code: WithdrawalCodeSchema,
      about: Type.Optional(HashSchema),
    },
    closed,
  ),
])

/** Every entity that there is, in the words of the design (§8); a parent stands before its children. */
export const entities: readonly Entity[] = [
  entity('Contract', {
    meaning:
      'A contract that this node holds; `title` and what follows is null until its first entry has settled here.',
    label: 'title',
    writtenBy: 'contracts are opened at /api/Contract, and what stands in them is written at /new-api/<uid>',
    from: 'HeldContract',
    abouts: ['lock_about'],
    attributes: {
      ...known,
      uid: indexed(text('uid', UidSchema)),
      founder: handle,
      title: maybe(text()),
      engine: maybe(count),
      engine_votes: maybe(json(EngineVotes)),
      charter: maybe(json(CharterSchema)),
      limits: maybe(json(LimitsSchema)),
      size: count,
      record: maybe(hash),
      lock_index: maybe(index),
      lock_holder: maybe(of('Party')),
      lock_purpose: maybe(oneOf(Object.keys(lockPurposes))),
      lock_about: maybe(hash),
      lock_about_in: maybe(statement),
      root: audited(maybe(hash)),
    },
  }),
  entity('Party', {
    plural: 'Parties',
    meaning: 'Who somebody is as a contract knows it: the card with which it was invited.',
    label: 'name',
    writtenBy: 'parties come into a contract by invitation, at /api/Contract/<uid>/Invitations',
    attributes: {
      ...known,
      contract: of('Contract'),
      handle,
      did: text(),
      name: text(),
      claimed_lei: maybe(text()),
      signing_key: text('public-key', PublicKeySchema),
      recovery_key: text('public-key', PublicKeySchema),
    },
  }),
  entity('Market', {
    meaning: 'How a party stands in a contract, and since which entry. It has the id of the party.',
    label: 'standing',
    writtenBy: 'parties are invited at /api/Contract/<uid>/Invitations, and leave at /api/Contract/<uid>/Resignation',
    abouts: ['about'],
    attributes: {
      ...known,
      contract: of('Contract'),
      party: of('Party'),
      standing: oneOf(['invited', 'member', 'former', 'declined', 'withdrawn']),
      invited_by: maybe(of('Party')),
      invited_at: index,
      admitted_at: maybe(index),
      ended_at: maybe(index),
      reason: maybe(oneOf(Object.keys(resignationReasons))),
      about: maybe(hash),
      about_in: maybe(statement),
    },
  }),
  entity('Type', {
    meaning: 'A definition of a type; of one name the last counts, and a field keeps the one with which it was added.',
    label: 'name',
    writtenBy: 'types are defined at /api/Contract/<uid>/Types',
    attributes: {
      ...known,
      contract: of('Contract'),
      definition: hash,
      name: text(),
      base: text('code'),
      constraints: json(ConstraintSchema),
      hints: json(HintsSchema),
      defined_at: index,
    },
  }),
  entity('Element', {
    meaning: 'A block, list or field of the document; one that was removed has `removed_at`, and no `path`.',
    label: 'name',
    writtenBy: DOCUMENTS,
    from: 'DocumentElement',
    attributes: {
      ...known,
      contract: of('Contract'),
      key: text('text', ElementIdSchema),
      parent: maybe(indexed(of('Element'))),
      kind: oneOf(['block', 'list', 'field']),
      prototype: maybe(of('Element')),
      place: maybe(count),
      name: text(),
      path: derived(maybe(text('path'))),
      owner: maybe(of('Party')),
      entries_max: maybe(count),
      keyed: maybe(flag),
      type: maybe(text('code')),
      custom: maybe(of('Type')),
      options: maybe(json(Type.Array(Type.String()))),
      currency: maybe(text('code')),
      hint: maybe(text()),
      audience: maybe(json(AudienceSchema)),
      audience_until: maybe(time),
      active: flag,
      added_at: index,
      removed_at: maybe(index),
    },
  }),
  entity('Proposal', {
    meaning:
      'A value that was put forward, or that a rule has computed (no `party`); no `seal`: that the field be emptied.',
    label: 'name',
    writtenBy: DOCUMENTS,
    from: 'ProposedValue',
    hasValues: true,
    attributes: {
      ...known,
      contract: of('Contract'),
      element: indexed(of('Element')),
      party: maybe(of('Party')),
      request: indexed(of('Request')),
      name: text('text'),
      seal: maybe(hash),
      audience: maybe(json(AudienceSchema)),
      revealed_in: maybe(statement),
      made_at: index,
      agreed_at: maybe(index),
      ended_at: maybe(index),
      ended_by: maybe(text('code')),
      erased_at: maybe(index),
    },
  }),
  entity('Vote', {
    meaning: 'A vote on a proposal; one that was superseded counts no more.',
    label: 'vote',
    writtenBy: 'votes are cast at /new-api/<uid>/<path>/~proposals/<proposal>/votes',
    abouts: ['about'],
    attributes: {
      ...known,
      contract: of('Contract'),
      proposal: indexed(of('Proposal')),
      party: of('Party'),
      vote: oneOf(['yes', 'no']),
      about: maybe(hash),
      about_in: maybe(statement),
      cast_at: index,
      superseded_at: maybe(index),
    },
  }),
  entity('RuleSet', {
    meaning: 'A set of rules, switched on and off as one.',
    label: 'name',
    writtenBy: 'rule sets are added at /api/Contract/<uid>/RuleSets',
    attributes: {
      ...known,
      contract: of('Contract'),
      number: count,
      name: text(),
      active: flag,
      added_at: index,
    },
  }),
  entity('Rule', {
    meaning: 'A rule, as it is said now; in force since `in_force`.',
    label: 'kind',
    writtenBy: 'rules are drafted, and voted on, at /api/Contract/<uid>/Rules',
    abouts: ['about'],
    attributes: {
      ...known,
      contract: of('Contract'),
      number: count,
      element: indexed(of('Element')),
      rule_set: maybe(of('RuleSet')),
      kind: oneOf(['constraint', 'assignment', 'access', 'validation', 'required', 'single', 'trigger']),
      body: json(RuleBodySchema),
      party: of('Party'),
      about: maybe(hash),
      about_in: maybe(statement),
      in_force: maybe(index),
      drafted_at: index,
      edited_at: maybe(index),
      removed_at: maybe(index),
    },
  }),
  entity('Attribute', {
    meaning: 'One thing that a rule says, by its name; expressions in it name elements by their ids.',
    label: 'name',
    writtenBy: 'what a rule says is edited at /api/Contract/<uid>/Rules/<number>',
    key: ['rule', 'name'],
    walks: 'Rule',
    looksAt: 2_000,
    attributes: {
      universalId,
      contract: of('Contract'),
      rule: of('Rule'),
      name: text(),
      value: json(Type.Unknown({ title: 'RuleAttribute', description: 'What a rule says, in the form of its kind.' })),
    },
  }),
  entity('Request', {
    meaning: 'An entry of the settled ledger: what a party has asked for, and what has become of it.',
    label: 'name',
    writtenBy: REQUESTS,
    abouts: ['about', 'outcome_about'],
    attributes: {
      ...known,
      contract: of('Contract'),
      ledger_index: index,
      party: of('Party'),
      seq: count,
      place: count,
      name: text(),
      time,
      tentative: flag,
      deadline: maybe(time),
      about: maybe(hash),
      about_in: statement,
      commands: json(Commands),
      outcome: oneOf(['accepted', 'void', 'refused', 'withdrawn']),
      code: maybe(text('code')),
      outcome_about: maybe(hash),
      outcome_about_in: maybe(statement),
      detail: maybe(json(Fate)),
      statement: hash,
      record: maybe(hash),
      tier: audited(count),
    },
  }),
  entity('Dialogue', {
    meaning: 'What another member has answered to a request.',
    label: 'answer',
    writtenBy: REQUESTS,
    key: ['request', 'party'],
    walks: 'Request',
    looksAt: 2_000,
    abouts: ['about'],
    attributes: {
      universalId,
      request: of('Request'),
      contract: of('Contract'),
      party: of('Party'),
      answer: oneOf(['acknowledged', 'refused']),
      code: maybe(text('code')),
      about: maybe(hash),
      about_in: maybe(statement),
    },
  }),
]

const byName = new Map(entities.map((entity) => [entity.name, entity]))

export function entityOf(name: EntityName): Entity {
  return byName.get(name) as Entity
}

/** Rows of `child` that name one of the entity in the attribute `by`. */
export interface Relation {
  readonly child: Entity
  readonly by: string
}

/** What an entity has below it: of each entity that names it by the first attribute that does. */
export function childrenOf({ name }: Entity): readonly Relation[] {
  return entities.flatMap((child): Relation[] => {
    const by = child.attributes.find(({ references }) => references === name)
    return by === undefined || child.name === 'Contract' ? [] : [{ child, by: by.name }]
  })
}
