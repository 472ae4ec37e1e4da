/** A Legal Entity Identifier (ISO 17442-1): 18 letters or digits and two check digits. */
export const LEI_PATTERN = '^[0-9A-Z]{18}[0-9]{2}$'

const form = new RegExp(LEI_PATTERN)

/**
 * Whether the check digits are right (ISO/IEC 7064, MOD 97-10): with A = 10 … Z = 35 the number that the characters write is 1 modulo 97.
 * Worked example: 5493001KJTIIGC8Y1R12 is 5493001 20 19 29 18 18 16 12 8 34 1 27 12, which leaves 1.
 */
export function isLei(text: string): boolean {
  if (!form.test(text)) return false
  let rest = 0
  for (const character of text) {
    const value = Number.parseInt(character, 36)
    rest = (rest * (value < 10 ? 10 : 100) + value) % 97
  }
  return rest === 1
}
