import type { FastifyPluginAsync, FastifyTypeProvider, RawServerDefault } from 'fastify'
import type { Static, TSchema } from 'typebox'

/** What a schema says, for whoever sends it: nothing of it need be mutable, and what is undefined is left out. */
type Sent<Said> = Said extends string | number | boolean | null
  ? Said
  : Said extends readonly (infer Item)[]
    ? readonly Sent<Item>[]
    : Said extends object
      ? { readonly [Member in keyof Said]: Sent<Said[Member]> | (undefined extends Said[Member] ? undefined : never) }
      : Said

interface SchemaTypes extends FastifyTypeProvider {
  validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown
  serializer: this['schema'] extends TSchema ? Sent<Static<this['schema']>> : unknown
}

/** Routes whose requests and answers have the types of their schemas. */
export type TypedRoutes<Options extends object = Record<never, never>> = FastifyPluginAsync<
  Options,
  RawServerDefault,
  SchemaTypes
>
