/** An integer: a number as far as a double keeps it, else its digits. */
export type Integer = number | string
/** A decimal, as its digits: `'12.50'`. */
export type Decimal = string

export interface Money<Currency extends string = string> {
  readonly amount: Decimal
  readonly currency: Currency
}

/** Another contract by its UID, or what is meant in it. */
export type Reference = string | { readonly contract: string; readonly path?: string; readonly index?: number }

export interface Attachment {
  readonly bytes: number
  readonly hash: string
  readonly name: string
  readonly type: string
}

/** A confidential value that this node does not have. */
export interface Sealed {
  readonly $sealed: { readonly by: string | null; readonly proposal: string; readonly audience: readonly string[] }
}

/** A document of which nothing is known. */
export interface AnyDocument {
  readonly [name: string]: unknown
}

/** What can be written where a value of this type is read: of a block what of it is meant, and whole numbers as a `bigint` too. */
export type Written<Value> = unknown extends Value
  ? unknown
  : Value extends Sealed | Attachment
    ? Value
    : Value extends Money<infer Currency>
      ? { readonly amount: Decimal | number | bigint; readonly currency: Currency }
      : Value extends readonly (infer Entry)[]
        ? readonly Written<Entry>[]
        : Value extends object
          ? { readonly [Name in keyof Value]?: Written<Value[Name]> }
          : Value extends number
            ? Value | bigint
            : Value

/** What is added to it: an entry of a list; to a block anything, for it need not be there yet. */
export type Added<Value> = Value extends readonly (infer Entry)[] ? Written<Entry> : unknown
