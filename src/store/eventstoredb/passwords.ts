/** 24 random bytes in base64, which is the least of the usual spellings. */
const CHARACTERS_MIN = 32
/** How many different characters a drawn password has at least, hexadecimal ones included: fewer come next to never. */
const DIFFERENT_MIN = 10

/**
 * Why the password cannot have been drawn at random as it should have been; undefined: it may have been. Whoever may read `$all`
 * has its hash, and guesses as fast as computers count.
 */
export function passwordProblem(password: string): string | undefined {
  if (password.length < CHARACTERS_MIN) {
    return `has ${password.length} characters, and a drawn one ${CHARACTERS_MIN} or more`
  }
  const different = new Set(password).size
  return different < DIFFERENT_MIN ? `has ${different} different characters: it was not drawn` : undefined
}

/** What a server comes with, as everybody knows. */
export const KNOWN_USERS = [
  { username: 'admin', password: 'changeit' },
  { username: 'ops', password: 'changeit' },
] as const
