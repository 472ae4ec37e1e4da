import type { TSchema } from 'typebox'
import { ErrorContext, ErrorSchema, Stack } from 'typebox/schema'
import { Locale } from 'typebox/system'

/** Longest text of what is wrong with a value: the names in it are its sender's. */
export const ERROR_CHARACTERS_MAX = 200

export interface FormError {
  readonly keyword: string
  /** A JSON pointer (RFC 6901) to what is wrong. */
  readonly instancePath: string
  readonly message: string
}

/** A compiled form, as `typebox/compile` makes it. */
export interface Form {
  Check(value: unknown): boolean
  Type(): TSchema
}

/**
 * The first thing that is wrong with a value. TypeBox's own `Errors` goes through all of the value, however much is wrong with it:
 * 4 MiB of zeros where none may stand take half a gigabyte. Requires a value that the form refuses.
 */
export function firstError(form: Form, value: unknown): FormError {
  const schema = form.Type()
  try {
    ErrorSchema(Stack({}, schema), new FirstErrorContext(), '#', '', schema, value)
  } catch (found) {
    if (!(found instanceof Found)) throw found
    const { error } = found
    const message = Locale.Get()(error as never)
    return { keyword: error.keyword, instancePath: shortened(error.instancePath), message: shortened(message) }
  }
  return { keyword: '', instancePath: '', message: 'is malformed' }
}

/** The same as one text. */
export function firstErrorText(form: Form, value: unknown): string {
  const { instancePath, message } = firstError(form, value)
  return `${instancePath} ${message}`
}

function shortened(text: string): string {
  return text.slice(0, ERROR_CHARACTERS_MAX).toWellFormed()
}

interface RawError {
  readonly keyword: string
  readonly instancePath: string
}

class Found extends Error {
  readonly error: RawError

  constructor(error: RawError) {
    super()
    this.error = error
  }
}

class FirstErrorContext extends ErrorContext {
  override AddError(keyword: never, schemaPath: string, instancePath: string, params: never): false {
    throw new Found({ keyword, instancePath, params, schemaPath } as RawError)
  }

  override AddErrors([error]: never[]): false {
    throw new Found(error as unknown as RawError)
  }
}
