import fc from 'fast-check'

type Json = Readonly<Record<string, unknown>>

/** Values that a JSON Schema takes, as OpenAPI 3.1 documents have them. */
export class SchemaArbitraries {
  readonly #document: Json

  /** `document`: where references lead. */
  constructor(document: object) {
    this.#document = document as Json
  }

  /** `depth`: how many objects may stand in each other. */
  of(schema: Json, depth = 4): fc.Arbitrary<unknown> {
    if (typeof schema.$ref === 'string') return this.of(this.resolve(schema.$ref), depth)
    if ('const' in schema) return fc.constant(schema.const)
    if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum)
    for (const choice of [schema.anyOf, schema.oneOf]) {
      if (Array.isArray(choice)) return fc.oneof(...choice.map((one) => this.of(one as Json, depth)))
    }
    switch ([schema.type].flat()[0]) {
      case 'string':
        return texts(schema)
      case 'integer':
        return fc.integer({
          min: Math.max(Number(schema.minimum ?? 0), -(2 ** 31)),
          max: Math.min(Number(schema.maximum ?? 1000), 2 ** 31 - 1),
        })
      case 'number':
        return fc.double({ noNaN: true, noDefaultInfinity: true })
      case 'boolean':
        return fc.boolean()
      case 'null':
        return fc.constant(null)
      case 'array':
        return this.#arrays(schema, depth)
      case 'object':
        return this.#objects(schema, depth)
      default:
        return fc.jsonValue({ maxDepth: Math.min(Math.max(depth, 0), 2) })
    }
  }

  resolve(reference: string): Json {
    const steps = reference
      .slice('#/'.length)
      .split('/')
      .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'))
    const found = steps.reduce<unknown>((at, step) => (at as Json | undefined)?.[step], this.#document)
    if (found === undefined) throw new Error(`${reference} leads nowhere`)
    return found as Json
  }

  #arrays(schema: Json, depth: number): fc.Arbitrary<unknown> {
    const minLength = Number(schema.minItems ?? 0)
    const most = Math.max(minLength, depth > 0 ? 3 : 0)
    const maxLength = Math.min(most, Number(schema.maxItems ?? most))
    const items = this.of((schema.items ?? {}) as Json, depth - 1)
    if (schema.uniqueItems !== true) return fc.array(items, { minLength, maxLength })
    return fc.uniqueArray(items, { minLength, maxLength, selector: (one) => JSON.stringify(one) })
  }

  #objects({ additionalProperties, properties = {}, required = [] }: Json, depth: number): fc.Arbitrary<unknown> {
    const needed = required as string[]
    const members = Object.entries(properties as Record<string, Json>).filter(
      ([name]) => depth > 0 || needed.includes(name),
    )
    if (members.length === 0 && typeof additionalProperties === 'object' && depth > 0)
      return fc.dictionary(fc.string({ maxLength: 8 }), this.of(additionalProperties as Json, depth - 1), {
        maxKeys: 3,
      })
    return fc.record(Object.fromEntries(members.map(([name, one]) => [name, this.of(one, depth - 1)])), {
      requiredKeys: needed,
    })
  }
}

function texts({ maxLength, minLength, pattern }: Json): fc.Arbitrary<string> {
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern, 'u'))
  const least = Number(minLength ?? 0)
  return fc.string({ minLength: least, maxLength: Math.max(least, Math.min(Number(maxLength ?? 20), 20)) })
}
