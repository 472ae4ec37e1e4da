import './checked-answers.ts'

/** A party as tests have it: each answer of its node is held against the schemas. */
export { type Answer, configure, type NodeParty, newParty, until } from './unchecked-party.ts'
