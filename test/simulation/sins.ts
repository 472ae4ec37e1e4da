/** What a hostile member does beside what it should. */
export const SINS = [
  'equivocate',
  'withhold',
  'replay',
  'lie in seen',
  'wrong head',
  'impossible head',
  'wrong refusals',
  'late fork',
  'never decide',
  'garbage',
  'false frontier',
  'squat',
  'open unasked',
  'flood ahead',
  'lie once',
] as const
/** What it does with the values of its own requests, in runs in which values get lost. */
export const VALUE_SINS = ['withhold values', 'late values', 'false values'] as const
/** What it says that has not the form of anything, or asks for that comes to nothing. */
export const LIES = ['malformed statements', 'malformed requests'] as const
/** What it gives in place of erased values, in runs in which values are erased. */
export const ENTRY_SINS = ['false entries'] as const

export const ALL_SINS = [...SINS, ...VALUE_SINS, ...LIES, ...ENTRY_SINS] as const
export type Sin = (typeof ALL_SINS)[number]

/** After these the contract cannot go on without a continuation: unanimity is not to be had any more. */
export const DEADLY: ReadonlySet<Sin> = new Set<Sin>(['equivocate', 'late fork', 'never decide'])
