import { confidentialWorlds } from './confidential-worlds.ts'
import { admit, ask, type Configuration, propose, tentatively } from './configuration.ts'
import { ruledWorlds } from './ruled-worlds.ts'

const mexico = propose('0.0', 'Mexico', { exclusive: true })
const chile = propose('0.0', 'Chile', { exclusive: true })

/** The worlds that are walked through. To add one, add it here. */
export const configurations: readonly Configuration[] = [
  {
    name: 'collision',
    members: ['ana', 'ben'],
    seats: [
      { name: 'ana', plan: [mexico] },
      { name: 'ben', plan: [chile] },
    ],
    delivery: 'statement',
  },
  {
    name: 'two collisions',
    members: ['ana', 'ben'],
    seats: [
      { name: 'ana', plan: [mexico, propose('0.1', 'red', { exclusive: true })] },
      { name: 'ben', plan: [chile, propose('0.1', 'blue', { exclusive: true })] },
    ],
    delivery: 'statement',
  },
  {
    name: 'patience',
    members: ['ana', 'ben'],
    seats: [
      { name: 'ana', plan: [tentatively(mexico)], crashes: 1 },
      { name: 'ben', plan: [chile] },
    ],
    delivery: 'statement',
  },
  {
    name: 'patience of both',
    members: ['ana', 'ben'],
    seats: [
      { name: 'ana', plan: [tentatively(mexico)], crashes: 1 },
      { name: 'ben', plan: [tentatively(chile)], crashes: 1 },
    ],
    delivery: 'statement',
  },
  {
    name: 'resignation',
    members: ['ana', 'ben'],
    seats: [
      { name: 'ana', plan: [ask({ type: 'Resign' })], crashes: 1 },
      { name: 'ben', plan: [tentatively(chile)] },
    ],
    delivery: 'statement',
  },
  {
    name: 'lock',
    members: ['ana', 'ben'],
    seats: [
      { name: 'ana', plan: [ask({ type: 'LockRecord', purpose: 'review' }), mexico] },
      { name: 'ben', plan: [ask({ type: 'LockRecord', purpose: 'edit' })], crashes: 1 },
    ],
    delivery: 'statement',
  },
  {
    name: 'lock let go of, or broken',
    members: ['ana', 'ben'],
    setUp: [[{ type: 'LockRecord', purpose: 'review' }]],
    seats: [
      { name: 'ana', plan: [ask({ type: 'ReleaseLock' })], crashes: 1 },
      { name: 'ben', plan: [({ head }) => ask({ type: 'BreakLock', lock: head.size - 1 }), chile] },
    ],
    delivery: 'statement',
  },
  {
    name: 'one of three',
    members: ['ana', 'ben', 'cleo'],
    seats: [
      { name: 'ana', plan: [mexico] },
      { name: 'ben', plan: [] },
      { name: 'cleo', plan: [] },
    ],
    delivery: 'statement',
  },
  {
    name: 'one of three, patience',
    members: ['ana', 'ben', 'cleo'],
    seats: [
      { name: 'ana', plan: [tentatively(mexico)], crashes: 1 },
      { name: 'ben', plan: [] },
      { name: 'cleo', plan: [] },
    ],
    delivery: 'everything',
  },
  {
    name: 'two of three, in a row',
    members: ['ana', 'ben', 'cleo'],
    seats: [
      { name: 'ana', plan: [mexico] },
      { name: 'ben', plan: [chile] },
      { name: 'cleo', plan: [] },
    ],
    delivery: 'everything',
    answersAtOnce: true,
    links: [
      ['ana', 'ben'],
      ['ana', 'cleo'],
    ],
  },
  {
    name: 'two of three',
    members: ['ana', 'ben', 'cleo'],
    seats: [
      { name: 'ana', plan: [mexico] },
      { name: 'ben', plan: [chile] },
      { name: 'cleo', plan: [] },
    ],
    delivery: 'everything',
    answersAtOnce: true,
  },
  {
    name: 'admission, in a row',
    members: ['ana', 'ben'],
    invited: ['cleo'],
    seats: [
      { name: 'ana', plan: [admit('cleo')] },
      { name: 'ben', plan: [chile] },
      { name: 'cleo', plan: [] },
    ],
    delivery: 'everything',
    links: [
      ['ana', 'ben'],
      ['ana', 'cleo'],
    ],
  },
  {
    name: 'admission',
    members: ['ana', 'ben'],
    invited: ['cleo'],
    seats: [
      { name: 'ana', plan: [admit('cleo')] },
      { name: 'ben', plan: [chile] },
      { name: 'cleo', plan: [] },
    ],
    delivery: 'everything',
    answersAtOnce: true,
  },
  {
    name: 'equivocation',
    members: ['ana', 'ben', 'mal'],
    seats: [
      { name: 'ana', plan: [] },
      { name: 'ben', plan: [] },
      { name: 'mal', hostile: true, plan: [mexico] },
      { name: 'twin of mal', party: 'mal', hostile: true, plan: [chile] },
    ],
    delivery: 'everything',
    answersAtOnce: true,
    links: [
      ['ana', 'ben'],
      ['ana', 'mal'],
      ['ben', 'twin of mal'],
    ],
  },
  ...ruledWorlds,
  ...confidentialWorlds,
]
