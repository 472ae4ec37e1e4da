/**
 * Encodes what was decoded, again; undefined where what is taken may have several texts. Null: it is refused, where that is
 * documented to be told otherwise than by an error.
 */
export type Taken = (() => string) | undefined | null

/**
 * A decoder of what comes from outside, and texts that it takes. `decode` throws typed errors alone.
 */
export interface Target {
  readonly name: string
  /** One of them, at least, is taken. */
  readonly valid: readonly string[]
  /** Of the runs that are asked for, this share is made; left out: all. For what writes files, or derives a key. */
  readonly share?: number
  decode(text: string): Taken | Promise<Taken>
  /** After the last run. */
  close?(): Promise<void>
}

/** JSON itself is the engine's: its SyntaxError is not under test. */
export function parse(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}
