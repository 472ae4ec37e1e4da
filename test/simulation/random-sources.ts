import { SeededRandom } from './seeded-random.ts'

/** What is drawn for itself. A source may be split further, by what it is drawn for: `disks ana`. */
const SOURCES = [
  'cast',
  'network',
  'disks',
  'machines',
  'workload',
  'entries',
  'words',
  'hostile',
  'keys',
  'code',
  'values',
  'versions',
  'rules',
  'audiences',
  'erasures',
  'attachments',
  'templates',
] as const
type Source = (typeof SOURCES)[number]

/**
 * From one seed a random source for each purpose, split by name: what one of them draws, and how often, moves none of the others.
 * So the same people do the same things on another network, and a change of the code under test, which draws salts and waiting
 * times, leaves faults and workload where they were.
 */
export class RandomSources {
  readonly #seed: number
  readonly #reseeded: ReadonlyMap<string, number>
  readonly #sources = new Map<string, SeededRandom>()

  /** `reseed`: sources that another number seeds, as in `network=7,workload=3`. */
  constructor(seed: number, reseed = '') {
    this.#seed = seed
    this.#reseeded = new Map(
      reseed
        .split(',')
        .filter((one) => one !== '')
        .map((one) => {
          const [source = '', number = ''] = one.split('=')
          if (!SOURCES.includes(source as Source)) throw new Error(`no source ${source}: ${SOURCES.join(', ')}`)
          if (!/^\d+$/.test(number)) throw new Error(`${source} is seeded by a number: ${number}`)
          return [source, Number(number)]
        }),
    )
  }

  of(source: Source, purpose = ''): SeededRandom {
    const name = `${source} ${purpose}`
    const known = this.#sources.get(name)
    if (known !== undefined) return known
    const made = new SeededRandom(mixed(this.#reseeded.get(source) ?? this.#seed, name))
    this.#sources.set(name, made)
    return made
  }
}

/** FNV-1a over the number and the name. */
function mixed(seed: number, name: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(`${seed} ${name}`)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}
