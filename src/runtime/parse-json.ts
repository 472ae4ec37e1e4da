/** The value of a JSON text, if it is of that form; undefined for any other, and for what is no JSON. */
export function jsonOf<Value>(form: { Check(value: unknown): value is Value }, text: string): Value | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return form.Check(value) ? value : undefined
  } catch {
    return undefined
  }
}
