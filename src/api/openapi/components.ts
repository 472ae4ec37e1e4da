import { EXAMPLES } from './examples.ts'

type Json = Readonly<Record<string, unknown>>

/** What fastify takes for no answer at all. */
const NO_BODY = 'NoBody'
/** What TypeBox makes of a map of anything by name. */
const ANY_NAME = '^.*$'

/**
 * Schemas as they stand in a document: each one that has a title once, among the components, and by reference everywhere else.
 * Throws for two of one title that say different things.
 */
export class Components {
  readonly #schemas = new Map<string, unknown>()
  /** As they are at the routes, so that what is shared there is looked at once. */
  readonly #seen = new Map<object, unknown>()

  /** The schema, or a reference to it. */
  refer(schema: unknown): unknown {
    if (typeof schema !== 'object' || schema === null) return schema
    const known = this.#seen.get(schema)
    if (known !== undefined) return known
    const shown = Array.isArray(schema) ? schema.map((one) => this.refer(one)) : this.#shown(schema as Json)
    this.#seen.set(schema, shown)
    return shown
  }

  /** By their titles, in the order of these. */
  schemas(): Json {
    return Object.fromEntries([...this.#schemas].sort(([one], [other]) => (one < other ? -1 : 1)))
  }

  #shown(schema: Json): unknown {
    const { $defs, $id: _id, $ref, ...rest } = schema
    if ($ref !== undefined) {
      for (const [name, below] of Object.entries(($defs as Json | undefined) ?? {})) this.#define(name, below as Json)
      return reference($ref as string)
    }
    const { title } = rest
    if (typeof title !== 'string') return this.#plain(rest)
    const name = title.replace(/[^\w.-]+/g, '-')
    this.#define(name, rest)
    return reference(name)
  }

  #define(name: string, { $id: _id, ...schema }: Json): void {
    const shown = this.#plain(schema)
    const known = this.#schemas.get(name)
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(shown)) {
      throw new Error(`two schemas are called ${name}`)
    }
    this.#schemas.set(name, shown)
  }

  #plain({ patternProperties, ...schema }: Json): Json {
    const named = Object.entries((patternProperties as Json | undefined) ?? {})
    const ofAny = named.length === 1 && named[0]?.[0] === ANY_NAME ? named[0][1] : undefined
    const shown = Object.entries(schema).map(([keyword, value]) => [
      keyword,
      keyword === 'properties' ? this.#each(value as Json) : this.refer(value),
    ])
    const example = typeof schema.pattern === 'string' ? EXAMPLES.get(schema.pattern) : undefined
    if (example !== undefined) shown.push(['examples', [example]])
    if (patternProperties === undefined) return Object.fromEntries(shown)
    const maps =
      ofAny === undefined
        ? ['patternProperties', this.#each(Object.fromEntries(named))]
        : ['additionalProperties', this.refer(ofAny)]
    return Object.fromEntries([...shown, maps])
  }

  #each(schemas: Json): Json {
    return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, this.refer(schema)]))
  }
}

function reference(name: string): Json {
  return { $ref: `#/components/schemas/${name}` }
}

export function isNoBody(schema: unknown): boolean {
  return (schema as Json | undefined)?.title === NO_BODY
}
