import { admit, type Configuration, propose, tentatively } from './configuration.ts'

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
    name: 'patience',
    members: ['ana', 'ben'],
    seats: [
      { name: 'ana', plan: [tentatively(mexico)], crashes: 1 },
      { name: 'ben', plan: [chile] },
    ],
    delivery: 'statement',
  },
  {
    name: 'three parties',
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
]
