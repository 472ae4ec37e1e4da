import { type Static, Type } from 'typebox'

/**
 * What a contract allows, pinned in `OpenContract` so that every member, in every later version, refuses the same.
 * Sizes of texts are in UTF-8 bytes of their canonical JSON unless the name says otherwise.
 */
export const ceilings = {
  statementBytes: 768 * 1024,
  requestsPerStatement: 4096,
  commandsPerRequest: 1024,
  valueBytes: 256 * 1024,
  attachmentBytes: 64 * 1024 * 1024,
  nameCharacters: 200,
  treeDepth: 64,
  elements: 10_000_000,
  entriesPerList: 100_000,
  types: 10_000,
  ruleBytes: 64 * 1024,
  ruleSteps: 100_000,
  requestSteps: 20_000_000,
  members: 1000,
} as const

export const defaultLimits: Limits = {
  statementBytes: 512 * 1024,
  requestsPerStatement: 1024,
  commandsPerRequest: 512,
  valueBytes: 64 * 1024,
  attachmentBytes: 16 * 1024 * 1024,
  nameCharacters: 100,
  treeDepth: 32,
  elements: 1_000_000,
  entriesPerList: 10_000,
  types: 1000,
  ruleBytes: 16 * 1024,
  ruleSteps: 100_000,
  requestSteps: 1_000_000,
  members: 100,
}

const upTo = (maximum: number) => Type.Integer({ minimum: 1, maximum })

export const LimitsSchema = Type.Object(
  {
    statementBytes: Type.Integer({ minimum: 4096, maximum: ceilings.statementBytes }),
    requestsPerStatement: upTo(ceilings.requestsPerStatement),
    commandsPerRequest: upTo(ceilings.commandsPerRequest),
    valueBytes: upTo(ceilings.valueBytes),
    /** Of the content that an attachment names. */
    attachmentBytes: upTo(ceilings.attachmentBytes),
    nameCharacters: upTo(ceilings.nameCharacters),
    treeDepth: upTo(ceilings.treeDepth),
    /** Of the document, with all that lists can come to: their prototypes, and as many entries as each may have (decision 0112). */
    elements: upTo(ceilings.elements),
    /** What `entriesMax` of a list can be. */
    entriesPerList: upTo(ceilings.entriesPerList),
    /** Definitions, those of one name counted each. */
    types: upTo(ceilings.types),
    ruleBytes: upTo(ceilings.ruleBytes),
    ruleSteps: upTo(ceilings.ruleSteps),
    requestSteps: upTo(ceilings.requestSteps),
    members: upTo(ceilings.members),
  },
  { additionalProperties: false },
)
export type Limits = Static<typeof LimitsSchema>

/**
 * Bytes of a statement: of all that it has but lists, at most; of a party in `seen`; of one refusal without a text. Fixed for
 * engine 1: by them it judges limits.
 */
export const STATEMENT_FRAME_BYTES = 2048
export const SEEN_PARTY_BYTES = 160
export const REFUSAL_BYTES = 128

/**
 * Whether a statement has room to refuse all requests of another one, whatever every party has said meanwhile. Else there would
 * be statements that a member can neither accept nor refuse.
 */
export function canRefuseWhole({ statementBytes, members, requestsPerStatement }: Limits): boolean {
  const needed = STATEMENT_FRAME_BYTES + members * SEEN_PARTY_BYTES + requestsPerStatement * REFUSAL_BYTES
  return statementBytes >= needed
}

/** Of a list with a key: all of its keys are looked at whenever one changes. Fixed for engine 1. */
export const KEYED_ENTRIES_MAX = 2000

/**
 * What one request may make happen: events, and their bytes as canonical JSON. More is void, so that every store takes the entry
 * in one append. Fixed for engine 1.
 */
export const ENTRY_EVENTS_MAX = 10_000
export const ENTRY_EVENTS_BYTES_MAX = 640 * 1024
/** Of what rules compute in one entry, in UTF-16 code units of canonical JSON: all of it is one group of the payload store. Fixed for engine 1. */
export const COMPUTED_CHARACTERS_MAX = 4 * 1024 * 1024

/** Deepest nesting of arrays and objects anywhere in a statement or a value. Fixed for version 1. */
export const JSON_DEPTH_MAX = 32
/**
 * Members of objects and elements of arrays in a statement and its values, all together. Fixed for version 1. More than one of
 * `statementBytes` has with commands that can take effect; a line of nothing else would take a hundred times its length in memory.
 */
export const JSON_MEMBERS_MAX = 131_072
/** Longest parts of what a person says about something. Whoever says more is not understood: nothing depends on it. */
export const ABOUT_TITLE_CHARACTERS_MAX = 200
export const ABOUT_TEXT_CHARACTERS_MAX = 4000
/** Longest line in which a statement and its values travel, in UTF-16 code units. Fixed for version 1. */
export const SIGNED_CHARACTERS_MAX = 8 * 1024 * 1024
/** How many characters of values one statement takes along, so that its line stays within that. A matter of the author alone. */
export const MESSAGE_VALUES_CHARACTERS_MAX = 4 * 1024 * 1024
/** The same of what is said about its refusals, and once more about its withdrawals. */
export const MESSAGE_ABOUTS_CHARACTERS_MAX = 1024 * 1024
