import type { Attachment, Money, Reference, Sealed } from './values.ts'

type Leaf = Attachment | Money | Sealed | Exclude<Reference, string>

/** What stands one step below; never: nothing can. */
type Below<Value, Step extends string> = unknown extends Value
  ? unknown
  : Value extends Leaf
    ? never
    : Value extends readonly (infer Entry)[]
      ? Step extends `${number}`
        ? Entry
        : never
      : Value extends object
        ? Step extends keyof Value
          ? Value[Step]
          : Step extends `${infer List}[${string}]`
            ? EntryOf<Value, List>
            : never
        : never

/** `Lines[Insurer = "acme-re"]`: an entry by its key. */
type EntryOf<Value, List extends string> = List extends keyof Value
  ? Value[List] extends readonly (infer Entry)[]
    ? Entry
    : never
  : unknown extends Value[keyof Value]
    ? unknown
    : never

/** What stands at a path, with slashes between its names, or at the end of names. Never: nothing can. */
export type At<Document, Path> = Path extends readonly [infer Step extends string, ...infer Rest]
  ? At<Below<Document, Step>, Rest>
  : Path extends readonly []
    ? Document
    : Path extends readonly string[]
      ? unknown
      : Path extends ''
        ? Document
        : Path extends `${infer Step}/${infer Rest}`
          ? At<Below<Document, Step>, Rest>
          : Path extends string
            ? string extends Path
              ? unknown
              : Below<Document, Path>
            : never

/** The path itself, if something can stand there. */
export type Known<Document, Path> = [At<Document, Path>] extends [never] ? 'nothing stands at this path' : Path

/** Names of what is right below. */
export type NameIn<Value> = unknown extends Value ? string : keyof Value & string
export type In<Value, Name> = unknown extends Value ? unknown : Name extends keyof Value ? Value[Name] : never
