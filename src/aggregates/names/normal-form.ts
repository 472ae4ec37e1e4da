/**
 * The only place of the pure core that asks the runtime about Unicode. Of texts whose code points are all assigned in the version
 * of the tables every runtime of that version or a later one answers the same (Unicode's normalization stability policy).
 */
export function nfc(text: string): string {
  return text.normalize('NFC')
}

/** Likewise, decomposed. */
export function nfd(text: string): string {
  return text.normalize('NFD')
}
